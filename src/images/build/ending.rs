//! Why there is no image: the end of a build, in words.

use std::fmt;
use std::path::PathBuf;

use super::buildah;

/// The maximum number of output lines in an error.
const LINES_MAX: usize = 5;
/// The maximum number of output bytes in an error.
const BYTES_MAX: usize = 1024;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// buildah cannot be used.
    #[error(transparent)]
    Buildah(#[from] buildah::Error),
    /// The program that runs the script cannot be started.
    #[error("failed to run {0}; install it")]
    NoShell(String, #[source] std::io::Error),
    /// A file of the build cannot be written or read.
    #[error("failed to write or read {0}")]
    File(PathBuf, #[source] std::io::Error),
    /// The build could not be watched to its end.
    #[error("failed to follow the build")]
    Follow(#[source] std::io::Error),
    /// The script said why it ended.
    #[error("{0}")]
    Ended(FailedBuild),
    /// All went well, but for the digest.
    #[error("failed to learn the digest of the image: the build left {0:?}")]
    NoDigest(String),
    /// A signal ended it; the number is that of the signal.
    #[error("the build was ended by signal {0}; nothing of it is left but what buildah keeps")]
    Interrupted(i32),
}

/// How a build ended that left no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedBuild {
    /// The exit status of the script that failed, or none if a signal ended it.
    pub code: Option<i32>,
    /// The base image.
    pub base_image: String,
    /// Where the image was to go.
    pub destination: String,
    /// Its last words, or the end of what was printed.
    pub output: String,
}

impl fmt::Display for FailedBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base, destination) = (&self.base_image, &self.destination);
        let (verb, image) = if matches!(self.code, Some(40..)) { ("push", destination) } else { ("pull", base) };
        match self.code {
            Some(10) => f.write_str("failed to read the MachineConfig within the build"),
            Some(20) => f.write_str("failed to build the image; mend the step that failed"),
            Some(30) => write!(f, "failed to pull {base}; check its name, and that its registry can be reached"),
            Some(40) => write!(f, "failed to push {destination}; check that it can be reached and written"),
            Some(31 | 41) => write!(
                f,
                "failed to {verb} {image}: access was denied; name a file with credentials with --{verb}-authfile"
            ),
            Some(32 | 42) => {
                write!(f, "failed to {verb} {image}, and to try again would not help; correct what the cause names")
            }
            Some(code) => write!(f, "failed to run the build (exit status {code})"),
            None => f.write_str("failed to run the build: it was killed"),
        }?;
        match last_lines(&self.output) {
            "" => Ok(()),
            lines => write!(f, "; the last lines were:\n{lines}"),
        }
    }
}

/// The last few lines, and not too much of them.
fn last_lines(output: &str) -> &str {
    let output = output.trim_end();
    let mut start = output.len().saturating_sub(BYTES_MAX);
    while !output.is_char_boundary(start) {
        start += 1;
    }
    let tail = &output[start..];
    let lines = tail.rmatch_indices('\n').nth(LINES_MAX - 1).map_or(0, |(at, _)| at + 1);
    &tail[lines..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(code: Option<i32>, output: &str) -> String {
        let (base_image, destination) = ("registry.test/os:9".into(), "registry.test/os:r".into());
        FailedBuild { code, base_image, destination, output: output.into() }.to_string()
    }

    #[test]
    fn each_exit_status_has_its_words() {
        for (code, expected) in [
            (Some(10), "failed to read the MachineConfig"),
            (Some(20), "failed to build the image"),
            (Some(30), "failed to pull registry.test/os:9; check its name"),
            (Some(31), "failed to pull registry.test/os:9: access was denied"),
            (Some(32), "failed to pull registry.test/os:9, and to try again would not help"),
            (Some(40), "failed to push registry.test/os:r; check"),
            (Some(42), "failed to push registry.test/os:r, and to try again would not help"),
            (Some(41), "failed to push registry.test/os:r: access was denied"),
            (Some(7), "failed to run the build (exit status 7)"),
            (None, "failed to run the build: it was killed"),
        ] {
            let told = ending(code, "why\n");
            assert!(told.starts_with(expected) && told.ends_with("; the last lines were:\nwhy"), "{told}");
        }
        assert_eq!(ending(None, " \n"), "failed to run the build: it was killed");
    }

    #[test]
    fn only_the_end_of_the_output_is_told_again() {
        assert_eq!(last_lines("1\n2\n3\n4\n5\n6\n"), "2\n3\n4\n5\n6");
        assert_eq!(last_lines("1\n2\n"), "1\n2");
        assert!(last_lines(&"ü".repeat(4000)).len() <= BYTES_MAX);
    }
}
