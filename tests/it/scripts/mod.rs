//! The scripts that run in a build pod, with stand-ins for what they call.

mod build;
mod configs;
mod pod;
mod push;
mod registries;
