//! The settings, with their defaults, and what the parts of the program take of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::flags::FLAGS;
use super::text;
use crate::actors;
use crate::api::DEFAULT_NAMESPACE;
use crate::api::limits::{
    ATTEMPTS_MAX_DEFAULT, BUILD_DEADLINE_DEFAULT, CONCURRENT_BUILDS_DEFAULT, PENDING_DEADLINE_DEFAULT,
};
use crate::cluster::lease::Timing;
use crate::reconcile::inputs::build_settings::BuildSettings;

/// Where the admin server listens, unless a setting says otherwise.
const ADMIN_LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8797);

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// Where build objects, input ConfigMaps and Secrets are, and the lease.
    pub namespace: String,
    /// Builds that run at once; 0 is no limit.
    #[serde(deserialize_with = "text::as_number")]
    pub max_concurrent_builds: usize,
    /// Attempts at a build whose object is lost, the first included.
    #[serde(deserialize_with = "text::as_number")]
    pub max_attempts: u32,
    /// How long a build object may take to start.
    #[serde(with = "text::as_duration")]
    pub pending_deadline: Duration,
    /// How long a whole build may take.
    #[serde(with = "text::as_duration")]
    pub build_deadline: Duration,
    /// Where the admin server listens.
    #[serde(deserialize_with = "text::as_address")]
    pub admin_listen: SocketAddr,
    /// Who acts, of several processes.
    pub leader_election: LeaderElection,
    /// How logs are written.
    pub log_format: LogFormat,
    /// What build objects are made with.
    pub build: BuildSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: DEFAULT_NAMESPACE.to_owned(),
            max_concurrent_builds: CONCURRENT_BUILDS_DEFAULT,
            max_attempts: ATTEMPTS_MAX_DEFAULT,
            pending_deadline: PENDING_DEADLINE_DEFAULT,
            build_deadline: BUILD_DEADLINE_DEFAULT,
            admin_listen: ADMIN_LISTEN_DEFAULT,
            leader_election: LeaderElection::default(),
            log_format: LogFormat::default(),
            build: BuildSettings::default(),
        }
    }
}

/// Who acts, of several processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct LeaderElection {
    /// Whether a process acts only while it holds the lease.
    #[serde(deserialize_with = "text::as_bool")]
    pub enabled: bool,
    /// How long a lease that is not renewed keeps others out.
    #[serde(with = "text::as_duration")]
    pub lease_duration: Duration,
    /// How long a leader acts on a lease that it cannot renew.
    #[serde(with = "text::as_duration")]
    pub renew_deadline: Duration,
    /// How often a leader renews, and a standby looks.
    #[serde(with = "text::as_duration")]
    pub retry_period: Duration,
}

impl Default for LeaderElection {
    fn default() -> Self {
        let Timing { lease_duration, renew_deadline, retry_period } = Timing::default();
        Self { enabled: true, lease_duration, renew_deadline, retry_period }
    }
}

impl LeaderElection {
    /// The timing of the lease.
    pub const fn timing(&self) -> Timing {
        let Self { lease_duration, renew_deadline, retry_period, .. } = *self;
        Timing { lease_duration, renew_deadline, retry_period }
    }
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Human,
    /// A JSON object a line.
    Json,
}

impl Settings {
    /// The fields that are not as in `others`.
    pub fn differing(&self, others: &Self) -> Vec<&'static str> {
        let value = |settings: &Self| serde_json::to_value(settings).unwrap_or_default();
        let (own, others) = (value(self), value(others));
        let is_other = |field: &&str| {
            let pointer = format!("/{}", field.replace('.', "/"));
            own.pointer(&pointer) != others.pointer(&pointer)
        };
        FLAGS.into_iter().map(|(field, _)| field).filter(is_other).collect()
    }

    /// The file that says all this, but for the credentials in proxies' URLs.
    pub fn to_yaml(&self) -> String {
        let mut shown = self.clone();
        shown.build.proxy = self.build.proxy.redacted();
        serde_saphyr::to_string(&shown).expect("settings have nothing in them that YAML cannot hold")
    }

    /// What builders take.
    pub fn for_builds(&self) -> BuildSettings {
        let (namespace, build_deadline) = (self.namespace.clone(), self.build_deadline);
        BuildSettings { namespace, build_deadline, ..self.build.clone() }
    }

    /// What actors take.
    pub fn for_actors(&self) -> actors::ActorSettings {
        let mut settings = actors::ActorSettings::default();
        settings.decide.namespace.clone_from(&self.namespace);
        settings.decide.concurrent_builds_max = self.max_concurrent_builds;
        settings.decide.attempts_max = self.max_attempts;
        settings.decide.pending_deadline = self.pending_deadline;
        settings.decide.build_deadline = self.build_deadline;
        settings.decide.credentials = self.build.proxy.credentials();
        settings.build = self.for_builds();
        settings
    }
}
