//! Checks whether the installed buildah can build.

use std::io;
use std::process::Command;

/// The least version that works: the first that knows `buildah build`.
const VERSION_MIN: (u32, u32) = (1, 23);

/// The error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error(
        "there is no buildah on this machine; install 1.23 or later: `apt-get install buildah`, `dnf install buildah`"
    )]
    Absent,
    /// It does not run.
    #[error("failed to run buildah")]
    Broken(#[source] io::Error),
    /// It does not say which it is.
    #[error("failed to learn the version of buildah: it says {0:?}; install 1.23 or later")]
    Unknown(String),
    /// It is of a version that lacks something.
    #[error("buildah {0} is too old; the least that works is 1.23: `apt-get install buildah`, `dnf install buildah`")]
    TooOld(String),
}

/// Checks that buildah is there, and not too old.
///
/// # Errors
///
/// The error, and its remedy.
pub fn check() -> Result<(), Error> {
    let output = Command::new("buildah").arg("--version").output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Absent,
        _ => Error::Broken(error),
    })?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = version(&said).ok_or_else(|| {
        let said = if said.trim().is_empty() { String::from_utf8_lossy(&output.stderr) } else { said.clone() };
        Error::Unknown(said.trim().chars().take(200).collect())
    })?;
    if numbers(version).is_some_and(|numbers| numbers >= VERSION_MIN) {
        return Ok(());
    }
    Err(Error::TooOld(version.to_owned()))
}

/// `1.28.2` of `buildah version 1.28.2 (image-spec …)`.
fn version(said: &str) -> Option<&str> {
    let version = said.trim().strip_prefix("buildah version ")?.split_ascii_whitespace().next()?;
    numbers(version).map(|_| version)
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (said, expected) in [
            ("buildah version 1.28.2 (image-spec 1.1.0-rc2, runtime-spec 1.0.2-dev)\n", Some("1.28.2")),
            ("buildah version 1.41.0-dev (image-spec 1.1.1)", Some("1.41.0-dev")),
            ("buildah version", None),
            ("command not found", None),
        ] {
            assert_eq!(version(said), expected, "{said}");
        }
        assert!(numbers("1.19.6").unwrap() < VERSION_MIN);
        assert!(numbers("1.23.0").unwrap() >= VERSION_MIN);
        assert!(numbers("2.0.0").unwrap() >= VERSION_MIN);
    }
}
