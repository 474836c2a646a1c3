//! The promises of a Kubernetes API server to its clients, clause by clause, each tested by a client.
//!
//! The same cases run against the embedded server, against a `kube-apiserver` that `KUBEBUILDER_ASSETS` leads to, and
//! against the cluster of the current kubeconfig if `USE_EXISTING_CLUSTER` is `true`. So each case has its own
//! namespace, waits for conditions and never for times, and asks for nothing that the real server would not do.

mod accounts;
mod bodies;
mod collect;
mod completion;
mod config_maps;
mod create;
mod definitions;
mod delete;
mod discovery;
mod dry_run;
mod finalizers;
mod harness;
mod lists;
mod metadata;
mod patches;
mod pods;
mod rules;
mod schemas;
mod secrets;
mod selectors;
mod status;
mod strategic;
mod tables;
mod update;
mod versions;
mod watches;
