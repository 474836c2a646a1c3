//! Counts of the requests that leave this process.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What tells one count from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: String,
    code: String,
}

/// Requests by method and by the code of their answer.
#[derive(Debug, Clone, Default)]
pub struct Meter(Family<Labels, Counter>);

impl Meter {
    /// Shows the counts in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests to the API server, retries included, by method and by the code of the answer";
        registry.register("requests", help, self.0.clone());
    }

    /// Counts a request; without an answer, its code is `error`.
    pub fn count(&self, method: &http::Method, code: Option<http::StatusCode>) {
        let code = code.map_or_else(|| "error".to_owned(), |code| code.as_u16().to_string());
        self.0.get_or_create(&Labels { method: method.to_string(), code }).inc();
    }
}
