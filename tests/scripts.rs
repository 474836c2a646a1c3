//! The scripts that run in a build pod, with stand-ins for what they call.

#[path = "scripts/build.rs"]
mod build;
#[path = "scripts/configs.rs"]
mod configs;
#[path = "scripts/pod.rs"]
mod pod;
#[path = "scripts/push.rs"]
mod push;
#[path = "scripts/registries.rs"]
mod registries;
