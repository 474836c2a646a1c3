//! What a Kubernetes API server promises to its clients, clause by clause, each told by a client.
//!
//! The same cases run against the embedded server, against a `kube-apiserver` that `KUBEBUILDER_ASSETS` leads to, and
//! against the cluster of the current kubeconfig if `USE_EXISTING_CLUSTER` is `true`. So each has a namespace of its
//! own, waits for conditions and never for times, and asks for nothing that the real server would not do.

#[path = "conformance/harness/mod.rs"]
mod harness;

#[path = "conformance/accounts.rs"]
mod accounts;
#[path = "conformance/bodies.rs"]
mod bodies;
#[path = "conformance/collect.rs"]
mod collect;
#[path = "conformance/completion.rs"]
mod completion;
#[path = "conformance/config_maps.rs"]
mod config_maps;
#[path = "conformance/create.rs"]
mod create;
#[path = "conformance/definitions.rs"]
mod definitions;
#[path = "conformance/delete.rs"]
mod delete;
#[path = "conformance/discovery.rs"]
mod discovery;
#[path = "conformance/dry_run.rs"]
mod dry_run;
#[path = "conformance/finalizers.rs"]
mod finalizers;
#[path = "conformance/lists.rs"]
mod lists;
#[path = "conformance/metadata.rs"]
mod metadata;
#[path = "conformance/patches.rs"]
mod patches;
#[path = "conformance/pods.rs"]
mod pods;
#[path = "conformance/rules.rs"]
mod rules;
#[path = "conformance/schemas.rs"]
mod schemas;
#[path = "conformance/secrets.rs"]
mod secrets;
#[path = "conformance/selectors.rs"]
mod selectors;
#[path = "conformance/status.rs"]
mod status;
#[path = "conformance/strategic.rs"]
mod strategic;
#[path = "conformance/tables.rs"]
mod tables;
#[path = "conformance/update.rs"]
mod update;
#[path = "conformance/versions.rs"]
mod versions;
#[path = "conformance/watches.rs"]
mod watches;
