//! How users and systems tell this program to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Ends once this process is told to stop. From the call on, a signal is heard, and no crash; needs a runtime.
pub(super) fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
