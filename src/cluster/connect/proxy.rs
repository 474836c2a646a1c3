//! The proxy on the way to an API server: that of its kubeconfig, else that of the environment.
//!
//! The rules are those of kubectl: a kubeconfig's proxy overrides the environment, including `NO_PROXY`. The proxy of
//! the environment is used neither for this machine nor for the hosts that `NO_PROXY` names.

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// The proxy that a kubeconfig names; `None` if it is no URL of a proxy that can be used.
pub(super) fn named(proxy: &str, server: &Uri) -> Option<Intercept> {
    let scheme = proxy.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let is_known = matches!(scheme.as_deref(), Some("http" | "https" | "socks5" | "socks5h"));
    if is_known { Matcher::builder().all(proxy.to_owned()).build().intercept(server) } else { None }
}

/// The proxy that the environment names for this server; `variable` looks a variable up.
pub(super) fn of_environment(server: &Uri, variable: impl Fn(&str) -> Option<String>) -> Option<Intercept> {
    if is_this_machine(server.host().unwrap_or_default()) {
        return None;
    }
    let either = |upper: &str| {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        set(upper).or_else(|| set(&upper.to_ascii_lowercase())).unwrap_or_default()
    };
    let matcher = Matcher::builder().http(either("HTTP_PROXY")).https(either("HTTPS_PROXY")).no(either("NO_PROXY"));
    matcher.build().intercept(server)
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(server: &str, environment: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        of_environment(&server.parse().unwrap(), variable).map(|proxy| proxy.uri().to_string())
    }

    #[test]
    fn the_environment_names_a_proxy_for_other_machines() {
        let proxy = ("HTTPS_PROXY", "http://proxy.test:3128");
        let used = Some("http://proxy.test:3128/".to_owned());
        for (server, no, expected) in [
            ("https://api.test:6443", "", &used),
            ("https://api.test:6443", "other.test", &used),
            ("https://api.test:6443", "api.test", &None),
            ("https://api.cluster.test:6443", ".cluster.test", &None),
            ("https://10.0.0.1:6443", "10.0.0.0/8", &None),
            ("https://192.0.2.1:6443", "10.0.0.0/8", &used),
            ("https://api.test:6443", "*", &None),
            ("https://127.0.0.1:6443", "", &None),
            ("https://[::1]:6443", "", &None),
            ("https://localhost:6443", "", &None),
            ("http://api.test:8080", "", &None),
        ] {
            assert_eq!(&chosen(server, &[proxy, ("NO_PROXY", no)]), expected, "{server} {no}");
        }
        let lower = [("https_proxy", "http://proxy.test:3128"), ("no_proxy", "other.test")];
        assert_eq!(chosen("https://api.test", &lower), used);
        assert_eq!(chosen("https://other.test", &lower), None);
        assert_eq!(chosen("http://api.test", &[("HTTP_PROXY", "http://proxy.test:3128")]), used);
    }

    #[test]
    fn a_kubeconfig_names_a_proxy_by_a_whole_url() {
        let server = "https://127.0.0.1:6443".parse().unwrap();
        for good in
            ["http://proxy.test:3128", "https://u:p@proxy.test", "socks5://127.0.0.1:1080", "socks5h://p.test:1"]
        {
            assert!(named(good, &server).is_some(), "{good}");
        }
        for bad in ["proxy.test:3128", "ftp://proxy.test", "http://", "socks4://p.test:1", "http://a b"] {
            assert!(named(bad, &server).is_none(), "{bad}");
        }
    }
}
