//! How users and systems tell this program to stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};

/// What a shell adds to the number of a signal that a process ended by.
pub(super) const ENDED_BY_SIGNAL: i32 = 128;

/// How a process hears of SIGTERM and SIGINT, which is Ctrl-C.
///
/// The first one ends it at once while there is nothing to be ended in an orderly way, and the second one always, with
/// 130 or 143 as a shell would show it: whatever the process waits for, and whatever it has blocked in.
pub(super) struct Stop {
    /// Whether the next signal ends the process.
    is_urgent: Arc<AtomicBool>,
}

impl Stop {
    /// From here on, a signal ends the process at once, even if it is the first process of a container.
    pub(super) fn at_once() -> io::Result<Self> {
        let is_urgent = Arc::new(AtomicBool::new(true));
        for signal in [SIGTERM, SIGINT] {
            // In this order: what the first signal makes urgent is not this signal.
            flag::register_conditional_shutdown(signal, ENDED_BY_SIGNAL + signal, Arc::clone(&is_urgent))?;
            flag::register(signal, Arc::clone(&is_urgent))?;
        }
        Ok(Self { is_urgent })
    }

    /// From the call on, the first signal ends what this returns, and the second one the process; needs a runtime.
    pub(super) fn in_order(&self) -> io::Result<impl Future<Output = ()> + use<>> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        self.is_urgent.store(false, Ordering::SeqCst);
        Ok(async move {
            tokio::select! {
                biased;
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
}

/// Ends once this process is told to stop. From the call on, a signal is heard, and no crash; needs a runtime.
#[cfg(feature = "simulation")] // The daemon tells the first signal from the second.
pub(super) fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    Stop::at_once()?.in_order()
}

/// Turns a file that has reached its size limit into a write error, instead of the end of the process.
pub(super) fn outlive_full_files() -> io::Result<()> {
    flag::register(SIGXFSZ, Arc::default()).map(drop)
}
