//! The local multi-pool harness: an embedded API server, simulations of the other components of a cluster, and the
//! daemon's own actors, in one process and in virtual time.
//!
//! | module or type | role |
//! |---|---|
//! | [`ApiServer`](crate::apiserver::ApiServer) | the API server, in process: no sockets |
//! | [`simulated`](kubelet::simulated) | scheduler and kubelet: carries build pods through their phases |
//! | [`real`](kubelet::real) | a container runtime: runs pods as processes of this machine, for `local-cluster` with an executor |
//! | [`real_time`](runs::real_time) | a run in real time that builds real images |
//! | [`build_controller`](people::build_controller) | OpenShift's build controller: carries Builds through their phases |
//! | [`registry`](people::registry) | the registry that the node agent and the build controller push to |
//! | [`builder_toggle`](people::builder_toggle) | a simulated user who changes the image builder while builds run |
//! | [`link_control`](faults::link_control) | the network between the daemon and the API server, with injected faults |
//! | [`invariants`](checks::invariants) | the checker: observes every request and every change, and reports violations |
//! | [`scenario`] | a scenario: the rates of user actions, of other controllers' writes, and of faults |
//! | [`faults`] | the fault injectors and simulated users that carry a scenario out |
//! | [`renderer`](people::renderer) | the rest of the operator: rolls out a pool's next config once its last is published |
//! | [`sweep`](runs::sweep) | the crash sweep: injects every kind of fault at every request |
//! | [`Process`] | one process of the daemon, of possibly several: starts, crashes, stops |
//! | [`Daemon`](crate::daemon::Daemon) | the daemon itself, not simulated |
//!
//! The clock is paused and jumps to the next timer whenever the runtime is idle, so a simulated hour takes only as long
//! as the work in it. All randomness comes from one seed: the same options give the same run, request by request.

pub mod checks;
pub mod faults;
pub mod kubelet;
mod machine_config;
pub mod outcome;
mod payload;
pub mod people;
mod process;
mod random;
pub mod runs;
pub mod scenario;
pub mod seed;
mod trace;

pub use self::checks::at_rest::Finding;
pub use self::machine_config::{MachineConfigTemplate, TemplateError};
pub use self::process::Process;
pub use self::runs::fleet::{FleetOptions, Progress, run, run_traced};
pub use self::runs::report::{Report, Time};
pub use self::seed::{Builder, Fleet};
pub use self::trace::Trace;
