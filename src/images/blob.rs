//! Blobs, verified while they are read.

use std::io::{self, Read};

use oci_spec::image::{Descriptor, Digest, DigestAlgorithm};
use sha2::{Digest as _, Sha256};

use super::source::{Error, Source};
use crate::api::limits::IMAGE_DOCUMENT_BYTES_MAX;
use crate::api::names::{hex, sha256_hex};

/// A blob that hashes what is read of it.
pub(super) struct Verified<'s> {
    inner: Box<dyn Read + 's>,
    hash: Sha256,
    digest: Digest,
    /// The remaining bytes of the size in its descriptor.
    left: u64,
    /// The first error that came from below: after it, the hash says nothing.
    failed: Option<(io::ErrorKind, String)>,
}

impl<'s> Verified<'s> {
    /// Opens the blob that `descriptor` names.
    pub(super) fn open(source: &'s dyn Source, descriptor: &Descriptor) -> Result<Self, Error> {
        let digest = descriptor.digest().clone();
        check_algorithm(&digest)?;
        let inner = source.blob(&digest)?;
        Ok(Self { inner, hash: Sha256::new(), digest, left: descriptor.size(), failed: None })
    }

    /// Reads what is left, and compares the digest of all with the expected one.
    pub(super) fn finish(mut self, what: &str) -> Result<(), Error> {
        let _ = io::copy(&mut self, &mut io::sink());
        if let Some((kind, message)) = self.failed {
            return Err(Error::Blob(what.to_owned(), io::Error::new(kind, message)));
        }
        match compare(&self.digest, self.hash) {
            None if self.left == 0 => Ok(()),
            None => Err(Error::Damaged(what.to_owned(), "its digest, but its size is another one".into())),
            Some(found) => Err(Error::Damaged(what.to_owned(), found)),
        }
    }
}

impl Read for Verified<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some((kind, message)) = &self.failed {
            return Err(io::Error::new(*kind, message.clone()));
        }
        let read = match self.inner.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(self.fail(&error)),
            other => other,
        }?;
        self.hash.update(&buffer[..read]);
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(self.fail(&io::Error::other("it is longer than its manifest says"))),
        }
        Ok(read)
    }
}

impl Verified<'_> {
    fn fail(&mut self, error: &io::Error) -> io::Error {
        let message = crate::causes::with_causes(error);
        self.failed = Some((error.kind(), message.clone()));
        io::Error::new(error.kind(), message)
    }
}

/// Reads a small blob into memory.
pub(super) fn document(source: &dyn Source, descriptor: &Descriptor, what: &str) -> Result<Vec<u8>, Error> {
    let what = format!("{what}, {}", descriptor.digest());
    if descriptor.size() > IMAGE_DOCUMENT_BYTES_MAX {
        return Err(Error::Unsupported(what, format!("it is larger than {IMAGE_DOCUMENT_BYTES_MAX} bytes")));
    }
    let mut blob = Verified::open(source, descriptor)?;
    let mut bytes = Vec::new();
    let read = blob.read_to_end(&mut bytes);
    blob.finish(&what)?;
    read.map_err(|error| Error::Blob(what, error))?;
    Ok(bytes)
}

/// Compares the digest of `bytes` with the expected one.
pub(super) fn verify(bytes: &[u8], digest: &Digest, what: &str) -> Result<(), Error> {
    check_algorithm(digest)?;
    match compare(digest, Sha256::new_with_prefix(bytes)) {
        None => Ok(()),
        Some(found) => Err(Error::Damaged(format!("{what}, {digest},"), found)),
    }
}

/// The digest of `bytes`.
pub(super) fn digest_of(bytes: &[u8]) -> Digest {
    format!("sha256:{}", sha256_hex(bytes)).parse().expect("it is a digest")
}

/// The digest that was found, if it is not the expected one.
fn compare(expected: &Digest, hash: Sha256) -> Option<String> {
    let found = hex(&hash.finalize());
    (found != expected.digest()).then(|| format!("sha256:{found}"))
}

fn check_algorithm(digest: &Digest) -> Result<(), Error> {
    if *digest.algorithm() == DigestAlgorithm::Sha256 {
        return Ok(());
    }
    Err(Error::Unsupported(digest.to_string(), "only sha256 digests can be verified here".into()))
}
