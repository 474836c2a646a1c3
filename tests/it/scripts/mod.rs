//! The scripts that run in a build pod, with stand-ins for the programs that they call.

mod build;
mod configs;
mod pod;
mod push;
mod registries;
