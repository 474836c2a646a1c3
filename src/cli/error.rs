//! Errors of commands, and how they are printed.

use crate::causes::with_causes;
use crate::stderr;

/// Whatever went wrong, to be printed with its causes.
pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Prints an error with its causes on standard error.
pub(super) fn print_error(error: &Error) {
    stderr::line(&format!("error: {}", with_causes(error.as_ref())));
}
