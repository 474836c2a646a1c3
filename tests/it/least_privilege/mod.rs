//! The roles of `config/rbac`: they are enough for all that the daemon, its build pods and viewers do, and allow no more
//! than that. Everything happens in virtual time, on an API server that evaluates the roles as they are there.

mod authorizer;
mod build_pods;
mod cases;
mod daemon;
mod manifests;
mod reviews;
mod stories;
mod tokens;
mod verbs;
mod viewer;
mod world;
