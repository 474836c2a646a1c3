//! Pull specs: where an image is, or where it is to go.

use oci_spec::distribution::Reference;

/// Why a pull spec cannot be used; a sentence's end, for a fault's `problem`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PullspecError {
    /// It does not follow the grammar of image references.
    #[error("{0:?} is not an image reference ({1})")]
    Malformed(String, String),
    /// It has no registry host, and would be looked for wherever the reader's defaults say.
    #[error("{0:?} does not begin with a registry host")]
    NoRegistry(String),
    /// It names a digest, which nothing can be pushed to.
    #[error("{0:?} names a digest, and an image cannot be pushed to a digest")]
    Digested(String),
}

/// Reads an image to build from, which may be named by tag or by digest.
pub fn image(text: &str) -> Result<Reference, PullspecError> {
    let malformed = |why: String| PullspecError::Malformed(text.to_owned(), why);
    text.parse::<Reference>().map_err(|error| malformed(error.to_string()))
}

/// The repository, `registry/name`, of an image to push to; its tag is for the build to choose.
pub fn repository(text: &str) -> Result<String, PullspecError> {
    let reference = image(text)?;
    if reference.digest().is_some() {
        return Err(PullspecError::Digested(text.to_owned()));
    }
    // The parser fills in a default registry, and a default namespace with it: neither is the user's wish.
    let written = format!("{}/{}", reference.registry(), reference.repository());
    if !text.starts_with(&written) {
        return Err(PullspecError::NoRegistry(text.to_owned()));
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_the_pullspec_without_its_tag() {
        for (text, expected) in [
            ("registry.test/org/os:latest", "registry.test/org/os"),
            ("registry.test/org/os", "registry.test/org/os"),
            ("registry.test:5000/os:v1", "registry.test:5000/os"),
            ("localhost/os", "localhost/os"),
            ("127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000/a/b/c"),
        ] {
            assert_eq!(repository(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_pushed_to_is_refused() {
        let digested = format!("registry.test/os@sha256:{}", "0".repeat(64));
        assert!(matches!(repository(&digested), Err(PullspecError::Digested(_))));
        let both = format!("registry.test/os:v1@sha256:{}", "0".repeat(64));
        assert!(matches!(repository(&both), Err(PullspecError::Digested(_))));
        for text in ["os", "org/os:latest", "ubuntu:22.04"] {
            assert!(matches!(repository(text), Err(PullspecError::NoRegistry(_))), "{text}");
        }
        for text in [
            "",
            " ",
            "registry.test/",
            "registry.test/OS",
            "https://registry.test/os",
            "registry.test/os:bad tag",
            "a b/c",
        ] {
            assert!(matches!(repository(text), Err(PullspecError::Malformed(..))), "{text:?}");
        }
    }
}
