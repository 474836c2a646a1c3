//! OCI image layouts, as a directory or as a tar archive of one.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use oci_spec::image::{Descriptor, Digest, ImageIndex};

use super::blob;
use super::manifest;
use super::source::{Error, Source};
use crate::api::limits::IMAGE_DOCUMENT_BYTES_MAX;

/// The file that names the images of a layout.
const INDEX: &str = "index.json";
/// The annotation with an image's name in its layout.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An OCI image layout.
pub(super) struct Layout {
    path: PathBuf,
    /// Where each file of an archive begins, and how long it is; none for a directory.
    members: Option<HashMap<String, (u64, u64)>>,
    name: Option<String>,
}

impl Layout {
    pub(super) fn directory(path: &Path, name: Option<&str>) -> Self {
        Self { path: path.to_owned(), members: None, name: name.map(str::to_owned) }
    }

    /// Notes where everything is in an archive, so that nothing need be unpacked.
    pub(super) fn archive(path: &Path, name: Option<&str>) -> Result<Self, Error> {
        let members = File::open(path).and_then(members).map_err(|error| Error::File(path.to_owned(), error))?;
        Ok(Self { members: Some(members), ..Self::directory(path, name) })
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read>, Error> {
        let missing = || Error::Incomplete(self.path.clone(), name.to_owned());
        let Some(members) = &self.members else {
            let path = self.path.join(name);
            return match File::open(&path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing()),
                Err(error) => Err(Error::File(path, error)),
            };
        };
        let (start, length) = *members.get(name).ok_or_else(missing)?;
        let opened = File::open(&self.path).and_then(|mut file| file.seek(SeekFrom::Start(start)).map(|_| file));
        let file = opened.map_err(|error| Error::File(self.path.clone(), error))?;
        Ok(Box::new(file.take(length)))
    }

    fn index(&self) -> Result<ImageIndex, Error> {
        let mut bytes = Vec::new();
        let mut file = self.open(INDEX)?.take(IMAGE_DOCUMENT_BYTES_MAX);
        file.read_to_end(&mut bytes).map_err(|error| Error::File(self.path.join(INDEX), error))?;
        let what = || format!("{INDEX} of {}", self.path.display());
        serde_json::from_slice(&bytes).map_err(|error| Error::Malformed(what(), error))
    }

    /// The one that is asked for by name, or else the one for this machine.
    fn choose<'i>(&self, index: &'i ImageIndex) -> Result<&'i Descriptor, Error> {
        let Some(name) = &self.name else { return manifest::for_this_machine(index.manifests()) };
        let is_named = |descriptor: &&Descriptor| {
            descriptor.annotations().as_ref().is_some_and(|known| known.get(REF_NAME) == Some(name))
        };
        let found = index.manifests().iter().find(is_named);
        found.ok_or_else(|| Error::NotFound(format!("{name} in {}", self.path.display())))
    }
}

fn members(file: File) -> io::Result<HashMap<String, (u64, u64)>> {
    let mut members = HashMap::new();
    for entry in tar::Archive::new(file).entries_with_seek()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
        members.insert(name, (entry.raw_file_position(), entry.size()));
    }
    Ok(members)
}

impl Source for Layout {
    fn root(&self) -> Result<(Vec<u8>, Digest), Error> {
        let index = self.index()?;
        let descriptor = self.choose(&index)?;
        Ok((blob::document(self, descriptor, "the manifest")?, descriptor.digest().clone()))
    }

    fn manifest(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let mut blob = self.blob(digest)?.take(IMAGE_DOCUMENT_BYTES_MAX);
        blob.read_to_end(&mut bytes).map_err(|error| Error::Blob(digest.to_string(), error))?;
        Ok(bytes)
    }

    fn blob(&self, digest: &Digest) -> Result<Box<dyn Read + '_>, Error> {
        self.open(&format!("blobs/{}/{}", digest.algorithm(), digest.digest())).map(|blob| blob as Box<dyn Read>)
    }
}
