//! Real builds: real images, out of real MachineConfigs, on this machine.
//!
//! A cluster that runs pods for real, a daemon, a registry, and a user: all of them processes. Nothing is played.

mod processes;
mod real;

#[path = "run/daemon.rs"]
#[allow(dead_code)] // This uses a part of it.
mod daemon;

#[path = "real_build/accounts.rs"]
mod accounts;
#[path = "real_build/changes.rs"]
mod changes;
#[path = "real_build/failures.rs"]
mod failures;
#[path = "real_build/image.rs"]
mod image;
#[path = "real_build/pods.rs"]
mod pods;
#[path = "real_build/secrets.rs"]
mod secrets;
#[path = "real_build/settings.rs"]
mod settings;
#[path = "real_build/stages.rs"]
mod stages;
#[path = "real_build/whole_path.rs"]
mod whole_path;
#[path = "real_build/world.rs"]
mod world;
