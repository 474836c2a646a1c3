//! How an API server is set up.

use crate::clock::Clock;

/// Changes that are kept of each kind, unless an option says otherwise.
const EVENT_WINDOW_DEFAULT: usize = 10_000;

/// How an API server is set up.
#[derive(Debug, Clone, Copy)]
pub struct ServerOptions {
    /// Where the time comes from.
    pub clock: Clock,
    /// The seed of UIDs and generated names.
    pub seed: u64,
    /// Changes that are kept of each kind; a watch from before them is refused as expired.
    pub event_window: usize,
    /// Whether `build.openshift.io` is served.
    pub serve_builds: bool,
    /// Whether the ClusterRoles that every cluster has are there from the start.
    pub default_roles: bool,
    /// Requests that are logged; those before them are forgotten.
    pub log_length: usize,
}

impl ServerOptions {
    /// The usual setup.
    pub fn new(clock: Clock, seed: u64) -> Self {
        Self {
            clock,
            seed,
            event_window: EVENT_WINDOW_DEFAULT,
            serve_builds: true,
            default_roles: false,
            log_length: usize::MAX,
        }
    }
}
