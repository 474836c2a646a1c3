//! `run`, as a user runs it: a process beside a cluster that is a process too.

mod admin;
mod arguments;
mod broken_output;
mod flood;
mod kubeconfig;
mod leadership;
mod signals;
