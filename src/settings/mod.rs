//! The settings of a daemon: one file, whose fields can be set by flags and environment variables too.
//!
//! Reads a YAML file; writes nothing. In this one, everything is as it is by default, and as it is if it is left out:
//!
//! ```yaml
//! namespace: openshift-machine-config-operator # of build objects, input ConfigMaps and Secrets, and of the lease
//! maxConcurrentBuilds: 5                       # 0 is no limit
//! maxAttempts: 3                               # at a build whose object is lost, the first included
//! pendingDeadline: 10m                         # that a build object may take to start
//! buildDeadline: 1h                            # that a whole build may take
//! adminListen: 127.0.0.1:8797                  # where /livez, /readyz and /metrics are served
//! leaderElection:
//!   enabled: true
//!   leaseDuration: 15s
//!   renewDeadline: 10s
//!   retryPeriod: 2s
//! logFormat: human                             # or json
//! build:
//!   builderImage: quay.io/buildah/stable:latest
//!   digestHandoff: configmap                   # or termination-message
//!   resources:                                 # as a container has them
//!     requests: {}
//!     limits: {}
//!   nodeSelector: {}                           # this, and tolerations, as a pod has them
//!   tolerations: []
//!   priorityClassName: null
//!   labels: {}
//!   annotations: {}
//!   proxy:
//!     httpProxy: null
//!     httpsProxy: null
//!     noProxy: null
//!   trustedCaConfigMap: null
//!   trustedCaKey: ca-bundle.crt
//!   registriesConfigMap: null
//!   isolation: chroot                          # or oci, or rootless
//!   storageDriver: vfs                         # or overlay
//! ```
//!
//! The file has no `apiVersion` and no `kind`, because it is not an API object: the program never sends it to an API
//! server, and refuses a field that this version does not know. The file does not say where the credentials for the API
//! server are, so a user can show it to others.
//!
//! The exception are the users and passwords in proxies' URLs. The program shows `[redacted]` in their place, and
//! refuses a URL that contains it: a user has to restore the credentials before reusing settings that the program has
//! shown.

mod check;
mod flags;
pub(crate) mod read;
mod text;
mod values;

pub use self::check::{InvalidSetting, InvalidSettings};
pub use self::flags::{FLAGS, flag_of, variable};
pub use self::read::{ReadError, parse, read};
pub use self::text::{address, duration, timeout};
pub use self::values::{LeaderElection, LogFormat, Settings};
