//! Counts of the requests that leave this process.

use std::borrow::Cow;
use std::time::Duration;

use http::{Method, StatusCode, Uri};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::request_info::{is_collection, is_watch};

/// Bounds in seconds, up to the longest wait for an answer.
const LATENCY_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Labels, each with its value. The resource is not one of them, because it would multiply the series; it is in the log.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

/// Requests by verb and by the code of their answer, and how long it took; a copy counts with it.
#[derive(Debug, Clone)]
pub struct Meter {
    requests: Family<Labels<2>, Counter>,
    latency: Family<Labels<1>, Histogram, fn() -> Histogram>,
}

impl Default for Meter {
    fn default() -> Self {
        let latency = (|| Histogram::new(LATENCY_BUCKETS)) as fn() -> Histogram;
        Self { requests: Family::default(), latency: Family::new_with_constructor(latency) }
    }
}

impl Meter {
    /// Shows the counts in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests to the API server, each try included, by verb and by the code of the answer";
        registry.register("requests", help, self.requests.clone());
        let help = "From when a request was sent until the head of its answer was there, by verb";
        registry.register_with_unit("request_duration", help, Unit::Seconds, self.latency.clone());
    }

    /// Counts a request of this `verb` that took this long to be answered; without an answer, its code is `error`.
    pub fn count(&self, verb: &'static str, code: Option<StatusCode>, latency: Duration) {
        let code = code.map_or("error".into(), |code| code.as_u16().to_string().into());
        self.requests.get_or_create(&[("verb", verb.into()), ("code", code)]).inc();
        self.latency.get_or_create(&[("verb", verb.into())]).observe(latency.as_secs_f64());
    }
}

/// What a request is to Kubernetes.
pub(super) fn verb(method: &Method, uri: &Uri) -> &'static str {
    match method.as_str() {
        "GET" if is_watch(uri) => "watch",
        "GET" if is_collection(uri) => "list",
        "GET" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_verbs_of_kubernetes() {
        let pools = "/apis/machineconfiguration.openshift.io/v1/machineconfigpools";
        for (method, path, expected) in [
            (Method::GET, "/api/v1/namespaces/n/pods?labelSelector=a&watch=true", "watch"),
            (Method::GET, "/api/v1/namespaces/n/pods?limit=500", "list"),
            (Method::GET, pools, "list"),
            (Method::GET, "/api/v1/namespaces/n/pods/build-r", "get"),
            (Method::GET, "/api/v1/namespaces/n/pods/build-r/log?tailLines=20", "get"),
            (Method::GET, "/apis/machineconfiguration.openshift.io/v1/machineconfigpools/worker", "get"),
            (Method::GET, "/version", "get"),
            (Method::POST, "/api/v1/namespaces/default/events", "create"),
            (Method::PUT, "/api/v1/namespaces/n/secrets/s", "update"),
            (Method::PATCH, "/apis/machineconfiguration.openshift.io/v1/machineconfigpools/worker/status", "patch"),
            (Method::DELETE, "/api/v1/namespaces/n/pods/build-r", "delete"),
            (Method::OPTIONS, "/", "other"),
        ] {
            assert_eq!(verb(&method, &path.parse().unwrap()), expected, "{method} {path}");
        }
    }
}
