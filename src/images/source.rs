//! What images are read from, and why one cannot be read.

use std::io;
use std::path::PathBuf;

use oci_spec::image::Digest;

use super::location::LocationError;

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is said in a way that cannot be understood.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The registry wants other credentials, or any.
    #[error("access to {0} was denied; name a file with credentials for it with --authfile")]
    Denied(String),
    /// The registry does not have it.
    #[error("there is no image {0}; correct its name, tag or digest")]
    NotFound(String),
    /// The registry did not answer, or not as a registry does.
    #[error("failed to read {0} from its registry")]
    Registry(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file of this machine cannot be read.
    #[error("failed to read {0}")]
    File(PathBuf, #[source] io::Error),
    /// There is no such file in it.
    #[error("failed to find {1} in {0}; it has to be an OCI image layout")]
    Incomplete(PathBuf, String),
    /// A manifest, index or config does not follow the OCI image spec.
    #[error("failed to parse {0}; it has to follow the OCI image spec")]
    Malformed(String, #[source] serde_json::Error),
    /// A blob could not be read to its end.
    #[error("failed to read {0}")]
    Blob(String, #[source] io::Error),
    /// The content that was read does not match the manifest.
    #[error("{0} is damaged: it hashes to {1}; push the image again")]
    Damaged(String, String),
    /// It is not known here how to read it.
    #[error("failed to read {0}: {1}")]
    Unsupported(String, String),
}

/// A place that images are read from.
pub(super) trait Source {
    /// The manifest or index to begin with, and its digest, by which it was verified.
    fn root(&self) -> Result<(Vec<u8>, Digest), Error>;
    /// Another manifest, which an index names; not verified yet.
    fn manifest(&self, digest: &Digest) -> Result<Vec<u8>, Error>;
    /// A config or layer; not verified yet.
    fn blob(&self, digest: &Digest) -> Result<Box<dyn io::Read + '_>, Error>;
}
