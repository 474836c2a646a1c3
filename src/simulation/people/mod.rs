//! Other participants in the cluster: the operator's renderer, OpenShift's build controller, the registry, and a user.

pub mod build_controller;
pub mod builder_toggle;
pub mod registry;
pub mod renderer;
