//! The metrics of one process, and the page that shows them.

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::actors::{self, Overview};
use crate::cluster;
use crate::stderr;

/// What every name begins with; but for what every program calls the same.
const PREFIX: &str = "machine_os_builder";

/// All that one process counts; a copy counts with it.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Counts requests.
    pub requests: cluster::meter::Meter,
    /// Counts what becomes of builds and actors.
    pub builds: actors::meter::Meter,
    started: Timestamp,
}

impl Metrics {
    /// Nothing is counted yet, in a process that was started then.
    pub fn new(started: Timestamp) -> Self {
        Self { requests: Default::default(), builds: Default::default(), started }
    }

    /// Everything as OpenMetrics text, with how things are, if this process leads.
    pub(super) fn page(&self, is_leader: bool, overview: Option<&Overview>) -> String {
        let mut registry = Registry::default();
        let started = ConstGauge::new(self.started.as_duration().as_secs_f64());
        let help = "When the process was started, in seconds since 1970";
        registry.register_with_unit("process_start_time", help, Unit::Seconds, started);
        let own = registry.sub_registry_with_prefix(PREFIX);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        own.register("build", "The version of this program", version);
        let help = "Lines of the log that could not be written to standard error";
        own.register("log_lines_lost", help, ConstCounter::new(stderr::lines_lost()));
        self.requests.register(own);
        self.builds.register(own);
        gauge(own, "leader", "Whether this process leads", usize::from(is_leader));
        if let Some(overview) = overview {
            show(own, overview);
        }
        let mut page = String::new();
        encode(&mut page, &registry).expect("writing to memory does not fail");
        page
    }
}

/// What a leader alone can tell.
fn show(registry: &mut Registry, overview: &Overview) {
    gauge(registry, "ready", "Whether every watch is listed, and none stale", usize::from(overview.is_ready));
    gauge(registry, "stale_watches", "Watches that do not see what happens", overview.stale_watches.len());
    gauge(registry, "pools", "Pools that are looked after", overview.pools.len());
    gauge(registry, "active_builds", "Pools that build, or are about to", overview.building);
    gauge(registry, "waiting_builds", "Pools that wait for a slot", overview.waiting);
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: usize) {
    registry.register(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
}
