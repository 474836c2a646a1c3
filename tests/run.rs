//! `run`, as a user runs it: a process beside a cluster that is a process too.

mod processes;

#[path = "run/admin.rs"]
mod admin;
#[path = "run/arguments.rs"]
mod arguments;
#[path = "run/daemon.rs"]
mod daemon;
#[path = "run/leadership.rs"]
mod leadership;
