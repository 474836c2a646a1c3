//! The command line; everything is in the library.

use std::process::ExitCode;

/// A simulation is a great many small objects made and dropped: with the C library's allocator it takes half as long
/// again. The daemon has no such load, and is built without.
#[cfg(feature = "simulation")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    machine_os_builder::cli::main()
}
