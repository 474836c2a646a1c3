//! From an index to the manifest of one image.

use oci_spec::image::{Arch, Descriptor, Digest, ImageIndex, ImageManifest, Os};
use serde_json::Value;

use super::blob;
use super::source::{Error, Source};

/// Most indices that lead to one manifest.
const INDICES_NESTED_MAX: usize = 3;

/// The manifest of the image at `source`, and its digest; of an index, that for this machine.
pub(super) fn resolve(source: &dyn Source) -> Result<(ImageManifest, Digest), Error> {
    let (mut bytes, mut digest) = source.root()?;
    for _ in 0..=INDICES_NESTED_MAX {
        let what = format!("the manifest, {digest}");
        let malformed = |error| Error::Malformed(what.clone(), error);
        let document: Value = serde_json::from_slice(&bytes).map_err(malformed)?;
        // Media types are optional in both.
        if document.get("manifests").is_none() {
            return Ok((serde_json::from_value(document).map_err(malformed)?, digest));
        }
        let index: ImageIndex = serde_json::from_value(document).map_err(malformed)?;
        digest = for_this_machine(index.manifests())?.digest().clone();
        bytes = source.manifest(&digest)?;
        blob::verify(&bytes, &digest, "the manifest")?;
    }
    Err(Error::Unsupported(digest.to_string(), "indices name indices, and so on".into()))
}

/// The only one, or the first that runs on this machine.
pub(super) fn for_this_machine(descriptors: &[Descriptor]) -> Result<&Descriptor, Error> {
    if let [only] = descriptors {
        return Ok(only);
    }
    let (os, architecture) = (Os::default(), Arch::default());
    let is_of_use = |descriptor: &&Descriptor| {
        let platform = descriptor.platform().as_ref();
        platform.is_some_and(|platform| *platform.os() == os && *platform.architecture() == architecture)
    };
    descriptors.iter().find(is_of_use).ok_or_else(|| {
        let problem =
            format!("none of its {} images is for {os}/{architecture}; name one by digest", descriptors.len());
        Error::Unsupported("the index".into(), problem)
    })
}
