//! `run`, as a user runs it: a process beside a cluster that is a process too.

mod processes;

#[path = "run/admin.rs"]
mod admin;
#[path = "run/arguments.rs"]
mod arguments;
#[path = "run/broken_output.rs"]
mod broken_output;
#[path = "run/daemon.rs"]
mod daemon;
#[path = "run/flood.rs"]
mod flood;
#[path = "run/kubeconfig.rs"]
mod kubeconfig;
#[path = "run/leadership.rs"]
mod leadership;
#[path = "run/signals.rs"]
mod signals;
