//! The roles of `config/rbac`: they are enough for all that the daemon, its build pods and viewers do, and allow no more
//! than that. Everything happens in virtual time, on an API server that evaluates the roles as they are there.

mod common;

#[path = "least_privilege/authorizer.rs"]
mod authorizer;
#[path = "least_privilege/build_pods.rs"]
mod build_pods;
#[path = "least_privilege/cases.rs"]
mod cases;
#[path = "least_privilege/daemon.rs"]
mod daemon;
#[path = "least_privilege/manifests.rs"]
mod manifests;
#[path = "least_privilege/reviews.rs"]
mod reviews;
#[path = "least_privilege/stories.rs"]
mod stories;
#[path = "least_privilege/tokens.rs"]
mod tokens;
#[path = "least_privilege/verbs.rs"]
mod verbs;
#[path = "least_privilege/viewer.rs"]
mod viewer;
#[path = "least_privilege/world.rs"]
mod world;
