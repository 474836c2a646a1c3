//! Where an image goes.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::images::build::private_directory;

/// Where an image goes: to its registry, or to a file, which is put in place when all of it is there.
pub(super) enum Destination {
    Registry,
    Archive { file: PathBuf, unfinished: TempDir, argument: String },
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum DestinationError {
    #[error("failed to write {0}")]
    Unwritable(PathBuf, #[source] io::Error),
    #[error(
        "failed to write {0}: buildah takes no colon, and only Unicode, in the path of an archive; name another file"
    )]
    Colon(PathBuf),
}

/// The name of the archive until it is put in place.
const UNFINISHED: &str = "image.tar";

impl Destination {
    /// For `image`, `repository:tag`; to `output`, where there is one.
    pub(super) fn new(image: &str, output: Option<&Path>) -> Result<Self, DestinationError> {
        let Some(file) = output else { return Ok(Self::Registry) };
        let unwritable = |error| DestinationError::Unwritable(file.to_owned(), error);
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = directory.canonicalize().map_err(unwritable)?;
        // Beside it, so that it can be put in place in one step.
        let unfinished = private_directory(&directory, ".image-").map_err(unwritable)?;
        let path = unfinished.path().join(UNFINISHED);
        let is_plain = |path: &Path| path.to_str().is_some_and(|path| !path.contains(':'));
        let path = path.to_str().filter(|_| is_plain(file) && is_plain(&path));
        let path = path.ok_or_else(|| DestinationError::Colon(file.to_owned()))?;
        let tag = image.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        let argument = format!("oci-archive:{path}:{tag}");
        Ok(Self::Archive { file: file.to_owned(), unfinished, argument })
    }

    /// The destination in the words of `buildah push`, unless it is the registry that the image's name says.
    pub(super) fn argument(&self) -> Option<&str> {
        match self {
            Self::Registry => None,
            Self::Archive { argument, .. } => Some(argument),
        }
    }

    /// Puts the image in place, and says where it is.
    pub(super) fn finish(self, repository: &str, digest: &str) -> Result<String, DestinationError> {
        match self {
            Self::Registry => Ok(format!("{repository}@{digest}")),
            Self::Archive { file, unfinished, .. } => {
                std::fs::rename(unfinished.path().join(UNFINISHED), &file)
                    .map_err(|error| DestinationError::Unwritable(file.clone(), error))?;
                Ok(format!("oci-archive:{}", file.display()))
            }
        }
    }
}
