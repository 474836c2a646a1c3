//! The local multi-pool harness: an embedded API server, everything that has to do with it in a cluster, and the
//! daemon's own actors, in one process and in virtual time.
//!
//! | who | plays |
//! |---|---|
//! | [`ApiServer`](crate::apiserver::ApiServer) | the API server, in process: no sockets |
//! | [`node_agent`] | scheduler and kubelet: carries build pods through their phases |
//! | [`executor`] | a container runtime: runs pods for real, in a local cluster that is told to |
//! | [`real`] | a cluster in real time, whose builds are real ones |
//! | [`build_controller`] | OpenShift's build system: carries Builds through theirs |
//! | [`ledger`] | the registry that both push to |
//! | [`switch`] | a user who changes the image builder while builds run |
//! | [`network`] | the way of the daemon's requests, and what can go wrong on it |
//! | [`invariants`] | nobody: it is shown every change, and says what should not be so |
//! | [`scenario`] | what goes on around all of them, and what goes wrong |
//! | [`nemesis`] | whoever does all that |
//! | [`renderer`] | the rest of the operator: rolls out a pool's next config once its last is published |
//! | [`sweep`] | everything that can go wrong, at every request |
//! | [`Process`] | a process of the daemon, one of several perhaps: starts, crashes, stops |
//! | [`Daemon`](crate::daemon::Daemon) | itself |
//!
//! The clock is paused and jumps to the next timer whenever nothing is left to do, so an hour takes as long as the
//! work in it; all that is random comes from one seed. The same options give the same run, request by request.

pub mod build_controller;
mod check;
pub mod ending;
pub mod executor;
pub mod invariants;
pub mod ledger;
mod machine_config;
pub mod nemesis;
pub mod network;
pub mod node_agent;
mod pace;
mod payload;
mod process;
pub mod real;
pub mod renderer;
mod report;
mod run;
pub mod scenario;
pub mod seed;
pub mod sweep;
pub mod switch;
mod trace;

pub use self::check::Finding;
pub use self::machine_config::{MachineConfigTemplate, TemplateError};
pub use self::process::Process;
pub use self::report::{Report, Time};
pub use self::run::{Builder, Options, Progress, run, run_traced};
pub use self::seed::Fleet;
pub use self::trace::Trace;
