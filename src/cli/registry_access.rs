//! How registries are read, as arguments.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::Error;
use crate::images::inspect::{Plan, Report};
use crate::images::registry::authfile::{self, Credentials};
use crate::images::registry::certificates;
use crate::images::{self, Access, Location};

/// How a registry is read.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct RegistryArguments {
    /// File with credentials [default: those of podman, buildah and docker]
    #[arg(long, value_name = "FILE")]
    pub authfile: Option<PathBuf>,

    /// Directory with certificates, *.crt, of authorities to trust [default: /etc/containers/certs.d/HOST]
    #[arg(long, value_name = "DIR")]
    pub cert_dir: Option<PathBuf>,

    /// Connect to a registry on this machine without TLS
    #[arg(long)]
    pub plain_http: bool,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccessError {
    #[error("failed to read {0}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("failed to parse {0}; it has to be JSON, as `podman login` writes it")]
    Malformed(PathBuf, #[source] serde_json::Error),
    #[error("{0} holds credentials that cannot be used")]
    Unusable(PathBuf, #[source] authfile::Unusable),
}

impl RegistryArguments {
    /// Compares the image at `location` with what is asked of it.
    pub(super) fn compare(&self, plan: &Plan, location: &str) -> Result<Report, Error> {
        let parsed: Location = location.parse().map_err(images::Error::from)?;
        Ok(plan.compare(location, &images::read(&parsed, &self.access(&parsed)?, &plan.keep())?))
    }

    /// What is needed to read from `location`.
    fn access(&self, location: &Location) -> Result<Access, AccessError> {
        let Location::Registry(reference) = location else { return Ok(Access::default()) };
        let registry = reference.registry();
        Ok(Access {
            credentials: self.credentials(&format!("{registry}/{}", reference.repository()))?,
            authorities: self.authorities(registry)?,
            plain_http: self.plain_http,
        })
    }

    fn credentials(&self, image: &str) -> Result<Option<Credentials>, AccessError> {
        let read = |path: &Path| {
            authfile::credentials(&read_json(path)?, image)
                .map_err(|error| AccessError::Unusable(path.to_owned(), error))
        };
        if let Some(path) = &self.authfile {
            return read(path);
        }
        for path in default_authfiles() {
            if let Some(found) = read(&path)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn authorities(&self, registry: &str) -> Result<Vec<Vec<u8>>, AccessError> {
        let read = |directory: &Path| {
            certificates::read_directory(directory).map_err(|(path, error)| AccessError::Unreadable(path, error))
        };
        if let Some(directory) = &self.cert_dir {
            return read(directory);
        }
        let home = std::env::var("HOME").ok();
        let known = certificates::default_directories(registry, home.as_deref());
        let found: Result<Vec<_>, _> =
            known.iter().filter(|directory| directory.is_dir()).map(|directory| read(directory)).collect();
        Ok(found?.concat())
    }
}

/// The default paths of credential files, for a user who names none; only those that exist.
pub(super) fn default_authfiles() -> impl Iterator<Item = PathBuf> {
    authfile::default_paths(|name| std::env::var(name).ok()).into_iter().filter(|path| path.is_file())
}

fn read_json(path: &Path) -> Result<Value, AccessError> {
    let bytes = std::fs::read(path).map_err(|error| AccessError::Unreadable(path.to_owned(), error))?;
    serde_json::from_slice(&bytes).map_err(|error| AccessError::Malformed(path.to_owned(), error))
}
