//! Images in registries.

use std::io::{self, Read};

use futures::StreamExt as _;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_spec::distribution::Reference;
use oci_spec::image::Digest;
use tokio::runtime::{Builder, Runtime};

use super::authfile::Credentials;
use crate::api::limits::{REGISTRY_CONNECT_TIMEOUT, REGISTRY_READ_TIMEOUT};
use crate::images::blob;
use crate::images::source::{Error, Source};

/// The accepted media types of manifests: OCI's, and Docker's equivalents.
const MANIFEST_TYPES: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// How a registry is spoken to.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The client's credentials; without them, requests are anonymous.
    pub credentials: Option<Credentials>,
    /// Certificates of authorities, as PEM, that are trusted besides the system's.
    pub authorities: Vec<Vec<u8>>,
    /// Whether to speak without TLS, which is refused unless the registry is on this machine.
    pub plain_http: bool,
}

/// A repository of a registry.
pub(crate) struct Registry {
    runtime: Runtime,
    client: oci_client::Client,
    reference: Reference,
    auth: RegistryAuth,
}

impl Registry {
    pub(crate) fn new(reference: &Reference, access: &Access) -> Result<Self, Error> {
        // Another part of the program may have set it first, to the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |error| Error::Registry(reference.whole(), error);
        let auth = access.credentials.as_ref().map_or(RegistryAuth::Anonymous, |known| {
            RegistryAuth::Basic(known.username.clone(), known.password.expose().clone())
        });
        // The caller blocks until a read is done, so connections need no thread of their own.
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| failed(error.into()))?;
        let config = client_config(reference, access)?;
        let client = oci_client::Client::try_from(config).map_err(|error| failed(error.into()))?;
        Ok(Self { runtime, client, reference: reference.clone(), auth })
    }

    fn pull_manifest(&self, reference: &Reference) -> Result<Vec<u8>, Error> {
        let pull = self.client.pull_manifest_raw(reference, &self.auth, &MANIFEST_TYPES);
        let (bytes, _) = self.runtime.block_on(pull).map_err(|error| self.explain(error))?;
        Ok(bytes.into())
    }

    fn explain(&self, error: OciDistributionError) -> Error {
        let image = self.reference.whole();
        match &error {
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_)
            | OciDistributionError::ServerError { code: 401 | 403, .. } => Error::Denied(image),
            OciDistributionError::ImageManifestNotFoundError(_)
            | OciDistributionError::ServerError { code: 404, .. } => Error::NotFound(image),
            OciDistributionError::RegistryError { envelope, .. } => match envelope.errors.first().map(|e| &e.code) {
                Some(OciErrorCode::Unauthorized | OciErrorCode::Denied) => Error::Denied(image),
                Some(OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown | OciErrorCode::NotFound) => {
                    Error::NotFound(image)
                }
                _ => Error::Registry(image, Box::new(error)),
            },
            _ => Error::Registry(image, Box::new(error)),
        }
    }
}

fn client_config(reference: &Reference, access: &Access) -> Result<ClientConfig, Error> {
    let host = reference.resolve_registry();
    if access.plain_http && !is_loopback(host) {
        let problem = format!("{host} is not this machine, and is spoken to over TLS only; leave out --plain-http");
        return Err(Error::Unsupported(reference.whole(), problem));
    }
    let certificate = |pem: &Vec<u8>| Certificate { encoding: CertificateEncoding::Pem, data: pem.clone() };
    Ok(ClientConfig {
        protocol: if access.plain_http { ClientProtocol::Http } else { ClientProtocol::Https },
        extra_root_certificates: access.authorities.iter().map(certificate).collect(),
        connect_timeout: Some(REGISTRY_CONNECT_TIMEOUT),
        read_timeout: Some(REGISTRY_READ_TIMEOUT),
        user_agent: concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")),
        ..ClientConfig::default()
    })
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Source for Registry {
    fn root(&self) -> Result<(Vec<u8>, Digest), Error> {
        let bytes = self.pull_manifest(&self.reference)?;
        let digest = match self.reference.digest() {
            Some(digest) => {
                let unusable = |_| Error::Unsupported(digest.to_owned(), "it is no digest".into());
                let digest: Digest = digest.parse().map_err(unusable)?;
                blob::verify(&bytes, &digest, "the manifest")?;
                digest
            }
            None => blob::digest_of(&bytes),
        };
        Ok((bytes, digest))
    }

    fn manifest(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        self.pull_manifest(&self.reference.clone_with_digest(digest.to_string()))
    }

    fn blob(&self, digest: &Digest) -> Result<Box<dyn Read + '_>, Error> {
        let pull = self.client.pull_blob_stream(&self.reference, digest.as_ref());
        let stream = self.runtime.block_on(pull).map_err(|error| self.explain(error))?;
        // It verifies itself at its end, and fails if it is asked for more after that.
        let stream = stream.stream.fuse();
        Ok(Box::new(Download { runtime: &self.runtime, stream, chunk: bytes::Bytes::new() }))
    }
}

/// A blob on its way from a registry, read as it arrives.
struct Download<'r, S> {
    runtime: &'r Runtime,
    stream: S,
    chunk: bytes::Bytes,
}

impl<S> Read for Download<'_, S>
where
    S: futures::Stream<Item = io::Result<bytes::Bytes>> + Unpin,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Some(chunk) => self.chunk = chunk?,
                None => return Ok(0),
            }
        }
        let taken = self.chunk.split_to(self.chunk.len().min(buffer.len()));
        buffer[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for (host, expected) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("[::1]:5000", true),
            ("registry.test", false),
            ("10.0.0.1:5000", false),
            ("localhost.test:5000", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
