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
mod source;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

pub use location::{Location, LocationError};
pub use registry::client::Access;
pub use source::Error;
use source::Source;
pub use tree::{Content, Node, NodeKind, Tree};

use oci_spec::image::ImageConfiguration;

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
