//! The settings: where each comes from, where it goes, and what is refused.

mod processes;

#[path = "settings/arrive.rs"]
mod arrive;
#[path = "run/daemon.rs"]
#[allow(dead_code)] // This uses a part of it.
mod daemon;
#[path = "settings/daemons.rs"]
mod daemons;
#[path = "settings/documents.rs"]
mod documents;
#[path = "settings/precedence.rs"]
mod precedence;
#[path = "settings/program.rs"]
mod program;
#[path = "settings/refuse.rs"]
mod refuse;
