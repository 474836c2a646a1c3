//! The embedded API server: as much of a Kubernetes API server as this daemon, its tests and `kubectl` need.
//!
//! [`ApiServer::handle`] answers a request. Two fronts lead there: [`InProcess`] for clients in the same process, and
//! [`HttpsFront`] for all others.
//!
//! It stores objects, counts versions, refuses what the real server refuses, and sends changes to watchers. It reads
//! only the clock that it is given, and draws random numbers only from its seed: the same requests at the same times
//! give the same answers. ServiceAccount tokens are the exception, because a client must not be able to guess them.
//!
//! A client on the network identifies itself with a bearer token, and the stored Roles and bindings decide what it may
//! do. A client in this process may do everything, unless it [acts as a user](InProcess::as_user).
//!
//! Two deletions are immediate here that controllers do asynchronously in a cluster: dependents are deleted with their
//! owner, and the contents of a namespace with the namespace. An object that is created after its owner was deleted
//! stays.

mod admission;
mod age;
mod attributes;
mod audit;
mod authentication;
mod authorization;
mod backup;
mod bind;
mod body;
mod columns;
mod context;
mod default_roles;
mod defaults;
mod definition;
mod delete;
mod discovery;
mod field_error;
mod finalizers;
mod front;
mod gc;
mod https;
mod identity;
mod kinds;
mod list;
mod log;
mod meta;
mod negotiate;
mod object;
mod openapi;
mod openapi_protobuf;
mod options;
mod outage;
mod patch;
mod path;
mod pod_logs;
mod preserve;
mod print;
mod protobuf;
mod pruning;
mod registry;
mod reply;
mod reviews;
mod route;
mod rules;
mod schema;
mod selector;
mod serve;
mod server;
mod signer;
mod state;
mod status;
mod store;
mod tokens;
mod user;
mod validate;
mod watch;
mod write;

pub use admission::{AdmissionRequest, Admitter, Refusal};
pub use audit::{AuditedChange, Auditor};
pub use backup::Backup;
pub use body::ResponseBody;
pub use front::InProcess;
pub use https::HttpsFront;
pub use identity::{Identity, IdentityError};
pub use log::{LogEntry, Verb};
pub use options::ServerOptions;
pub use pod_logs::PodLogs;
pub use state::ApiServer;
pub use user::User;
