//! Real builds: real images, out of real MachineConfigs, on this machine.
//!
//! A cluster that runs pods as real containers, a daemon, a registry, and a user, all of them processes. Nothing is
//! simulated.

mod accounts;
mod changes;
mod failures;
mod image;
mod pods;
mod secrets;
mod settings;
mod stages;
mod whole_path;
mod world;
