//! `local-cluster`, as a user runs it: a process, a kubeconfig, and clients that know nothing else of it.

mod access;
mod client;
mod command;
mod kubectl;
mod manifests;
mod refusals;
