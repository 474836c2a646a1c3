//! Properties of the machine of a pool, over random histories: a pure model of the cluster applies each effect as the API
//! server would, between random steps of users, neighbours, the kubelet, restarts and time.
//!
//! | file | what is in it |
//! |---|---|
//! | `step` | what may happen |
//! | `server` | objects, versions, watches |
//! | `daemon`, `actor` | the pool's machine and its driver, without a runtime |
//! | `users`, `kubelet` | what others do |
//! | `world` | all of them together, and the trace |
//! | `laws` | what holds of every single effect |
//! | `rest` | what holds of a pool at rest |
//! | `oracle` | what is wanted, read by hand |
//! | `report` | what holds of reports on all of that |
//! | `forged` | objects that bear our marks, and are not ours |
//! | `properties` | the properties themselves |
//! | `schedules` | the same end, in whatever order answers arrive |

mod common;

#[path = "decide/actor.rs"]
mod actor;
#[path = "decide/daemon.rs"]
mod daemon;
#[path = "decide/forged.rs"]
mod forged;
#[path = "decide/kubelet.rs"]
mod kubelet;
#[path = "decide/laws.rs"]
mod laws;
#[path = "decide/oracle.rs"]
mod oracle;
#[path = "decide/properties.rs"]
mod properties;
#[path = "decide/report.rs"]
mod report;
#[path = "decide/rest.rs"]
mod rest;
#[path = "decide/schedules.rs"]
mod schedules;
#[path = "decide/server.rs"]
mod server;
#[path = "decide/step.rs"]
mod step;
#[path = "decide/users.rs"]
mod users;
#[path = "decide/world.rs"]
mod world;

/// The pool of which all of this is.
const POOL: &str = "worker";
