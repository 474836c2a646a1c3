//! Reads and checks the inputs of users and administrators, and combines them into a build request.

pub mod build_inputs;
pub mod build_settings;
pub mod fault;
pub mod image_builder;
pub mod image_ref;
pub mod proxy;
pub mod pull_secret;
pub mod quantity;
pub mod request;
pub mod sources;
pub mod stages;
pub mod strays;
