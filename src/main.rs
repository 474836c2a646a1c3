//! The command line; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    machine_os_builder::cli::main()
}
