//! Where an image is, as users write it: in the words of skopeo and buildah.

use std::path::PathBuf;

use oci_spec::distribution::Reference;

use crate::reconcile::inputs::image_ref::{self, PullspecError};

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a registry: `host/repository:tag` or `host/repository@sha256:…`.
    Registry(Reference),
    /// In a directory, an OCI image layout: `oci:DIRECTORY[:NAME]`.
    Layout(PathBuf, Option<String>),
    /// In a tar archive of an OCI image layout: `oci-archive:FILE[:NAME]`.
    Archive(PathBuf, Option<String>),
}

/// Why a text says nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// It is no reference to an image in a registry.
    #[error("{0}; write registry-host/repository:tag, …@sha256:digest, oci-archive:FILE or oci:DIRECTORY")]
    Reference(#[from] PullspecError),
    /// It names no file.
    #[error("{0:?} names no file; write oci-archive:FILE or oci:DIRECTORY")]
    NoFile(String),
    /// It is a kind of place that is not known here.
    #[error("{0:?} is of no use here; write registry-host/repository:tag, oci-archive:FILE or oci:DIRECTORY")]
    OtherTransport(String),
}

/// Other words of skopeo's, which no registry's host can be.
const OTHER_TRANSPORTS: [&str; 5] = ["containers-storage:", "dir:", "docker-archive:", "docker-daemon:", "ostree:"];

impl std::str::FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let file = |rest: &str| {
            let (path, name) = rest.split_once(':').map_or((rest, None), |(path, name)| (path, Some(name.to_owned())));
            if path.is_empty() {
                return Err(LocationError::NoFile(text.to_owned()));
            }
            Ok((PathBuf::from(path), name))
        };
        if let Some(rest) = text.strip_prefix("oci-archive:") {
            return file(rest).map(|(path, name)| Self::Archive(path, name));
        }
        if let Some(rest) = text.strip_prefix("oci:") {
            return file(rest).map(|(path, name)| Self::Layout(path, name));
        }
        if OTHER_TRANSPORTS.iter().any(|transport| text.starts_with(transport)) {
            return Err(LocationError::OtherTransport(text.to_owned()));
        }
        let reference = text.strip_prefix("docker://").unwrap_or(text);
        image_ref::check_located_image(reference)?;
        // The grammar above is the stricter one.
        let parsed =
            reference.parse().map_err(|_| PullspecError::Malformed(text.to_owned(), "it cannot be located"))?;
        Ok(Self::Registry(parsed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for text in ["registry.test/os:1", "docker://127.0.0.1:5000/a/b", &format!("localhost/os@{digest}")] {
            assert!(matches!(text.parse(), Ok(Location::Registry(_))), "{text}");
        }
        assert_eq!("oci:a/b:v1".parse(), Ok(Location::Layout("a/b".into(), Some("v1".into()))));
        assert_eq!("oci-archive:/a.tar".parse(), Ok(Location::Archive("/a.tar".into(), None)));
    }

    #[test]
    fn what_names_no_image_is_refused() {
        for text in
            ["", "os", "org/os:1", "oci:", "oci-archive::v1", "docker-archive:x.tar", "https://registry.test/os"]
        {
            assert!(text.parse::<Location>().is_err(), "{text:?}");
        }
    }
}
