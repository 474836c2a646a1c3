//! The settings that decisions depend on.

use std::time::Duration;

use crate::api::limits::{
    ATTEMPTS_MAX_DEFAULT, BUILD_DEADLINE_DEFAULT, CONCURRENT_BUILDS_DEFAULT, PENDING_DEADLINE_DEFAULT,
    RETRY_BACKOFF_FIRST,
};
use crate::api::{DEFAULT_NAMESPACE, Sensitive};
use crate::reconcile::inputs::build_settings::DigestHandoff;
use crate::reconcile::observed::cache::Cache;
use crate::reconcile::redact::scrub;

/// Settings that decisions depend on.
#[derive(Debug, Clone)]
pub struct DecideSettings {
    /// Where build objects, input ConfigMaps and Secrets live.
    pub namespace: String,
    /// How build pods hand over their digest, as in the settings of builds.
    pub digest_handoff: DigestHandoff,
    /// Credentials that must never be shown, besides those in the watched Secrets.
    pub credentials: Vec<Sensitive<String>>,
    /// Attempts at a build whose object is lost, the first included.
    pub attempts_max: u32,
    /// Builds that run at once; 0 is no limit. Only shown to users here: [`Slots`](crate::reconcile::slots::Slots)
    /// counts.
    pub concurrent_builds_max: usize,
    /// How long a build object may take to start before it is given up as lost.
    pub pending_deadline: Duration,
    /// How long a build may be seen to run before it is given up as failed. The build object carries the same deadline,
    /// and the cluster enforces it; this one covers nodes that fail to.
    pub build_deadline: Duration,
    /// Wait before the second attempt; doubled with each further one, up to
    /// [`RETRY_BACKOFF_MAX`](crate::api::limits::RETRY_BACKOFF_MAX).
    pub retry_backoff: Duration,
}

impl Default for DecideSettings {
    fn default() -> Self {
        Self {
            namespace: DEFAULT_NAMESPACE.to_owned(),
            digest_handoff: DigestHandoff::default(),
            credentials: Vec::new(),
            attempts_max: ATTEMPTS_MAX_DEFAULT,
            concurrent_builds_max: CONCURRENT_BUILDS_DEFAULT,
            pending_deadline: PENDING_DEADLINE_DEFAULT,
            build_deadline: BUILD_DEADLINE_DEFAULT,
            retry_backoff: RETRY_BACKOFF_FIRST,
        }
    }
}

impl DecideSettings {
    /// `text` without the credentials in the settings, and those in the Secrets that `cache` knows, or has known.
    pub fn scrubbed(&self, text: &str, cache: &Cache) -> String {
        if text.is_empty() {
            return String::new();
        }
        let set = self.credentials.iter().map(|word| Sensitive::new(word.expose().as_bytes().to_vec()));
        scrub(text, &set.chain(cache.credentials()).collect::<Vec<_>>())
    }
}
