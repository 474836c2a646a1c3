//! The vocabulary that this daemon shares with the cluster: kinds, names, labels, annotations,
//! condition types and reasons, and limits.
//!
//! It does no I/O: it holds constants, and views of objects as the API server sends them. Other software relies on
//! every string here; change none without a migration.

pub mod conditions;
pub mod keys;
pub mod labels;
pub mod limits;
pub mod names;
mod object;
pub mod pool;
mod sensitive;

pub use object::{Key, Kind, Object, PartialObjectMeta, ResourceVersion, UnknownKind};
pub use pool::Pool;
pub use sensitive::Sensitive;

/// The namespace of everything that is namespaced, unless a setting says otherwise.
pub const DEFAULT_NAMESPACE: &str = "openshift-machine-config-operator";

/// The namespace that Events about cluster-scoped objects live in.
pub const EVENT_NAMESPACE: &str = "default";

/// The name under which this daemon reports Events and identifies itself to the API server.
pub const COMPONENT: &str = "machine-os-builder";

/// The ServiceAccount that build pods run as; it may only create ConfigMaps.
pub const BUILD_SERVICE_ACCOUNT: &str = "machine-os-builder";
