//! Where a trace is written to, to be read afterwards.

use std::io;
use std::sync::{Arc, Mutex};

/// The written bytes; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Written(pub Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
