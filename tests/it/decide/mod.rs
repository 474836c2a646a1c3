//! Properties of the machine of a pool, over random histories: a pure model of the cluster applies each effect as the API
//! server would, between random steps of users, neighbours, the kubelet, restarts and time.
//!
//! | file | content |
//! |---|---|
//! | `step` | the steps that may happen |
//! | `server` | objects, versions, watches |
//! | `daemon`, `actor` | the pool's machine and its driver, without a runtime |
//! | `users`, `kubelet` | the actions of users, other controllers and the kubelet |
//! | `world` | all of them together, and the trace |
//! | `laws` | the laws of every single effect |
//! | `rest` | the properties of a pool at rest |
//! | `oracle` | the wanted inputs, read independently |
//! | `report` | the properties of reports |
//! | `forged` | objects of others that carry the daemon's names, labels and annotations |
//! | `properties` | the properties themselves |
//! | `schedules` | the same final state for every order of answers |

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
