//! The local multi-pool harness: an embedded API server, everything that has to do with it in a cluster, and the
//! daemon's own actors, in one process and in virtual time.
//!
//! | who | plays |
//! |---|---|
//! | [`ApiServer`](crate::apiserver::ApiServer) | the API server, in process: no sockets |
//! | [`simulated`](kubelet::simulated) | scheduler and kubelet: carries build pods through their phases |
//! | [`real`](kubelet::real) | a container runtime: runs pods for real, in a local cluster that is told to |
//! | [`real_time`](runs::real_time) | a cluster in real time, whose builds are real ones |
//! | [`build_controller`](people::build_controller) | OpenShift's build system: carries Builds through theirs |
//! | [`registry`](people::registry) | the registry that both push to |
//! | [`builder_toggle`](people::builder_toggle) | a user who changes the image builder while builds run |
//! | [`link_control`](faults::link_control) | the way of the daemon's requests, and what can go wrong on it |
//! | [`invariants`](checks::invariants) | nobody: it is shown every change, and says what should not be so |
//! | [`scenario`](runs::scenario) | what goes on around all of them, and what goes wrong |
//! | [`faults`] | whoever does all that |
//! | [`renderer`](people::renderer) | the rest of the operator: rolls out a pool's next config once its last is published |
//! | [`sweep`](runs::sweep) | everything that can go wrong, at every request |
//! | [`Process`] | a process of the daemon, one of several perhaps: starts, crashes, stops |
//! | [`Daemon`](crate::daemon::Daemon) | itself |
//!
//! The clock is paused and jumps to the next timer whenever nothing is left to do, so an hour takes as long as the
//! work in it; all that is random comes from one seed. The same options give the same run, request by request.

pub mod checks;
pub mod faults;
pub mod kubelet;
mod machine_config;
pub mod outcome;
mod payload;
pub mod people;
mod process;
pub mod runs;
pub mod seed;
mod trace;

pub use self::checks::at_rest::Finding;
pub use self::machine_config::{MachineConfigTemplate, TemplateError};
pub use self::process::Process;
pub use self::runs::fleet::{Builder, FleetOptions, Progress, run, run_traced};
pub use self::runs::report::{Report, Time};
pub use self::seed::Fleet;
pub use self::trace::Trace;
