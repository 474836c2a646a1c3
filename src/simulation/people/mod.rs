//! Who else works on the cluster: the operator's renderer, OpenShift's build controller, the registry, users.

pub mod build_controller;
pub mod builder_toggle;
pub mod registry;
pub mod renderer;
