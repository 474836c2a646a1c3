//! Images, read from where they are: manifest, config, and the file tree that the layers make.
//!
//! Reads a registry (OCI distribution), an OCI layout, or an archive of one (OCI image spec). Writes nothing. Every
//! manifest, config and layer is verified against its digest while it is read. Layers are streamed: of files, metadata
//! and hash stay in memory, and contents only where they are asked for.

mod blob;
pub mod build;
pub mod inspect;
mod layer;
mod layout;
mod location;
mod manifest;
pub mod registry;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

pub use location::{Location, LocationError};
pub use registry::client::Access;
pub use tree::{Content, Node, NodeKind, Tree};

use oci_spec::image::{Digest, ImageConfiguration};

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

/// An image, as far as it can be compared.
#[derive(Debug)]
pub struct Image {
    /// The digest of its manifest.
    pub digest: String,
    /// The labels of its config.
    pub labels: BTreeMap<String, String>,
    /// Its files.
    pub tree: Tree,
}

/// A place that images are read from.
trait Source {
    /// The manifest or index to begin with, and its digest, by which it was verified.
    fn root(&self) -> Result<(Vec<u8>, Digest), Error>;
    /// Another manifest, which an index names; not verified yet.
    fn manifest(&self, digest: &Digest) -> Result<Vec<u8>, Error>;
    /// A config or layer; not verified yet.
    fn blob(&self, digest: &Digest) -> Result<Box<dyn io::Read + '_>, Error>;
}

/// Reads the image at `location`; of its files whose last name is in `keep`, the contents too.
///
/// Blocks, and must not be called from within an asynchronous runtime.
///
/// # Errors
///
/// An [`Error`] if any part of it cannot be had, or is not what its digest says.
pub fn read(location: &Location, access: &Access, keep: &BTreeSet<String>) -> Result<Image, Error> {
    let source: Box<dyn Source> = match location {
        Location::Registry(reference) => Box::new(registry::client::Registry::new(reference, access)?),
        Location::Layout(directory, tag) => Box::new(layout::Layout::directory(directory, tag.as_deref())),
        Location::Archive(file, tag) => Box::new(layout::Layout::archive(file, tag.as_deref())?),
    };
    read_from(source.as_ref(), keep)
}

fn read_from(source: &dyn Source, keep: &BTreeSet<String>) -> Result<Image, Error> {
    let (manifest, digest) = manifest::resolve(source)?;
    let config = blob::document(source, manifest.config(), "the config")?;
    let config: ImageConfiguration =
        serde_json::from_slice(&config).map_err(|error| Error::Malformed("the config".into(), error))?;
    let mut tree = Tree::default();
    for (number, descriptor) in manifest.layers().iter().enumerate() {
        let what = format!("layer {} of {}, {}", number + 1, manifest.layers().len(), descriptor.digest());
        let mut blob = blob::Verified::open(source, descriptor)?;
        let layer = layer::read(&mut blob, keep);
        // Damage is the better explanation of whatever else is wrong.
        blob.finish(&what)?;
        let layer = layer.map_err(|error| Error::Blob(what.clone(), error))?;
        tree.apply(layer).map_err(|problem| Error::Unsupported(what, problem))?;
    }
    let labels = config.labels_of_config().into_iter().flatten();
    Ok(Image {
        digest: digest.to_string(),
        labels: labels.map(|(key, value)| (key.clone(), value.clone())).collect(),
        tree,
    })
}
