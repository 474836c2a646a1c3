//! `local-cluster`, as a user runs it: a process, a kubeconfig, and clients that know nothing else of it.

mod processes;

#[path = "local_cluster/access.rs"]
mod access;
#[path = "local_cluster/client.rs"]
mod client;
#[path = "local_cluster/command.rs"]
mod command;
#[path = "local_cluster/kubectl.rs"]
mod kubectl;
#[path = "local_cluster/manifests.rs"]
mod manifests;
#[path = "local_cluster/refusals.rs"]
mod refusals;
