//! Certificates of registries' authorities, from where podman, buildah and skopeo look for them
//! (containers-certs.d(5)).

use std::io;
use std::path::{Path, PathBuf};

/// The directories for `registry` (a host, with its port if it has one) where no other is named.
pub fn default_directories(registry: &str, home: Option<&str>) -> Vec<PathBuf> {
    let system = Path::new("/etc/containers/certs.d");
    let own = home.map(|home| Path::new(home).join(".config/containers/certs.d"));
    own.into_iter().chain([system.to_owned()]).map(|directory| directory.join(registry)).collect()
}

/// The certificates in `directory`: each file whose name ends in `.crt`.
///
/// # Errors
///
/// The file or directory that cannot be read, and why.
pub fn read_directory(directory: &Path) -> Result<Vec<Vec<u8>>, (PathBuf, io::Error)> {
    let failed = |error| (directory.to_owned(), error);
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "crt"));
    files.sort();
    files.into_iter().map(|path| std::fs::read(&path).map_err(|error| (path, error))).collect()
}
