//! When the faults stop, and for how long they excuse what the daemon does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Called with a time for which requests made before may still take effect.
pub type Tolerance = Arc<dyn Fn(Duration) + Send + Sync>;

/// Whether the faults have stopped. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct FaultGate(Arc<AtomicBool>);

impl FaultGate {
    /// Stops all faults.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the faults have stopped.
    pub fn is_now(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
