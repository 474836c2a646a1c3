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

mod actor;
mod daemon;
mod forged;
mod kubelet;
mod laws;
mod oracle;
mod properties;
mod report;
mod rest;
mod schedules;
mod server;
mod step;
mod users;
mod world;

/// The pool of which all of this is.
const POOL: &str = "worker";
