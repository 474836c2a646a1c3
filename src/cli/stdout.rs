//! Standard output, which holds results alone.

use std::io::{self, Write as _};

/// A result could not be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write to standard output")]
pub(super) struct StdoutError(#[from] io::Error);

impl StdoutError {
    /// Whether no process reads standard output any more, which is no failure of ours.
    pub(super) fn is_broken_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Writes a text, all of it: when this returns, it has left this process.
pub(super) fn print(text: &str) -> Result<(), StdoutError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(StdoutError)
}
