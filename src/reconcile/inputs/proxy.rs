//! The proxies that builds reach registries by, and the credentials in their addresses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::api::Sensitive;
use crate::reconcile::redact::REDACTED;

/// Proxies, named as OpenShift's cluster-wide configuration names them. Debug shows no credentials.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Proxy {
    /// The URL of the one for plain HTTP.
    pub http_proxy: Option<String>,
    /// The URL of the one for HTTPS.
    pub https_proxy: Option<String>,
    /// Hosts, domains and networks that are reached without, separated by commas.
    pub no_proxy: Option<String>,
}

impl Proxy {
    /// The environment variables that say so; some programs read them in upper case only, some in lower case only.
    pub fn variables(&self) -> Vec<(&'static str, &str)> {
        let all = [
            (["HTTP_PROXY", "http_proxy"], &self.http_proxy),
            (["HTTPS_PROXY", "https_proxy"], &self.https_proxy),
            (["NO_PROXY", "no_proxy"], &self.no_proxy),
        ];
        let set = all.into_iter().filter_map(|(names, value)| Some((names, value.as_deref()?)));
        set.flat_map(|(names, value)| names.map(|name| (name, value))).collect()
    }

    /// The same, fit to be shown.
    pub fn redacted(&self) -> Self {
        let shown = |url: &Option<String>| url.as_deref().map(redacted);
        Self {
            http_proxy: shown(&self.http_proxy),
            https_proxy: shown(&self.https_proxy),
            no_proxy: self.no_proxy.clone(),
        }
    }

    /// User and password as they are written, decoded, and as they are sent.
    pub fn credentials(&self) -> Vec<Sensitive<String>> {
        let urls = [&self.http_proxy, &self.https_proxy].into_iter().flatten();
        urls.filter_map(|url| userinfo(url)).flat_map(forms).map(Sensitive::new).collect()
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { http_proxy, https_proxy, no_proxy } = self.redacted();
        f.debug_struct("Proxy")
            .field("http_proxy", &http_proxy)
            .field("https_proxy", &https_proxy)
            .field("no_proxy", &no_proxy)
            .finish()
    }
}

/// A proxy's URL, or a value that a user wrote as one, with a placeholder instead of user and password.
pub fn redacted(url: &str) -> String {
    let scheme = url.find("://").map_or(0, |at| at + "://".len());
    match url.rfind('@').filter(|at| *at >= scheme) {
        Some(at) => format!("{}{REDACTED}{}", &url[..scheme], &url[at..]),
        None => url.to_owned(),
    }
}

/// Whether this is what [`redacted`] makes of a URL with credentials.
pub fn is_redacted(url: &str) -> bool {
    userinfo(url) == Some(REDACTED)
}

fn userinfo(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.rsplit_once('@').map(|(userinfo, _)| userinfo)
}

fn forms(userinfo: &str) -> Vec<String> {
    let decoded = percent_decode_str(userinfo).decode_utf8_lossy().into_owned();
    let password = |pair: &str| pair.split_once(':').map(|(_, word)| word.to_owned());
    let passwords = [password(userinfo), password(&decoded)].into_iter().flatten().collect::<Vec<_>>();
    let pairs = [STANDARD.encode(&decoded), userinfo.to_owned(), decoded];
    pairs.into_iter().chain(passwords).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::redact::scrub;

    fn with(url: &str) -> Proxy {
        Proxy { https_proxy: Some(url.to_owned()), ..Proxy::default() }
    }

    #[test]
    fn credentials_are_shown_nowhere() {
        let proxy = with("http://bob:s3cr%40t@proxy.test:3128");
        let known = proxy.credentials();
        let credentials: Vec<_> = known.iter().map(|word| Sensitive::new(word.expose().as_bytes().to_vec())).collect();
        let sent = STANDARD.encode("bob:s3cr@t");
        let text = format!("Basic {sent}; bob:s3cr%40t, s3cr%40t, bob:s3cr@t, s3cr@t");
        let scrubbed = scrub(&text, &credentials);
        assert_eq!(scrubbed.matches(REDACTED).count(), 5, "{scrubbed}");
        assert!(!scrubbed.contains("s3cr") && !scrubbed.contains(&sent), "{scrubbed}");
        assert!(!format!("{proxy:?}").contains("s3cr"), "{proxy:?}");
    }

    #[test]
    fn what_is_shown_keeps_the_host_and_is_known_again() {
        for (url, shown) in [
            ("http://bob:pw@proxy.test:3128", "http://[redacted]@proxy.test:3128"),
            ("http://bob:p/w@x@proxy.test", "http://[redacted]@proxy.test"),
            ("bob:pw@proxy.test", "[redacted]@proxy.test"),
            ("http://proxy.test:3128", "http://proxy.test:3128"),
        ] {
            assert_eq!(redacted(url), shown);
            assert_eq!(is_redacted(shown), url != shown, "{shown}");
            assert!(!is_redacted(url), "{url}");
        }
    }

    #[test]
    fn nothing_is_a_credential_where_there_is_none() {
        assert!(with("http://proxy.test:3128").credentials().is_empty());
    }
}
