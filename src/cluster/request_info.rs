//! The verb and resource of a request, read from its method and address.

use http::Uri;

use crate::api::Kind;
use crate::reconcile::observed::scope::Scope;

/// Whether a request is one to be told of changes as they happen.
pub(super) fn is_watch(uri: &Uri) -> bool {
    pairs(uri).any(|pair| pair == "watch=true")
}

/// Whether a request is for all objects of a kind, not for one.
pub(super) fn is_collection(uri: &Uri) -> bool {
    collection_of(uri).is_some()
}

/// The group and the plural name of the kind whose objects a request is for.
fn collection_of(uri: &Uri) -> Option<(&str, &str)> {
    let path: Vec<&str> = uri.path().trim_start_matches('/').split('/').collect();
    let (group, rest) = match path.as_slice() {
        ["api", _, rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return None,
    };
    let ([plural] | ["namespaces", _, plural]) = rest else { return None };
    Some((group, plural))
}

/// What a request for a collection covers. Objects of a collection are asked for by watches alone.
pub(super) fn scope_of(uri: &Uri) -> Option<Scope> {
    let (group, plural) = collection_of(uri)?;
    let is_meant = |kind: &Kind| {
        let resource = kind.resource();
        resource.group == group && resource.plural == plural
    };
    let kind = Kind::ALL.into_iter().find(is_meant)?;
    // Names have no characters in them that would be encoded.
    let name = pairs(uri).find_map(|pair| {
        let value = pair.strip_prefix("fieldSelector=metadata.name")?;
        value.strip_prefix("%3D").or_else(|| value.strip_prefix('='))
    });
    Some(Scope { kind, name: name.map(str::to_owned) })
}

/// The version that a watch is to begin with; 0 if it does not say.
pub(super) fn version_of(uri: &Uri) -> u64 {
    let version = pairs(uri).find_map(|pair| pair.strip_prefix("resourceVersion="));
    version.and_then(|version| version.parse().ok()).unwrap_or_default()
}

fn pairs(uri: &Uri) -> impl Iterator<Item = &str> {
    uri.query().unwrap_or_default().split('&')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(uri: &str) -> Option<String> {
        scope_of(&uri.parse().unwrap()).map(|scope| scope.to_string())
    }

    #[test]
    fn requests_for_collections_are_told_apart_by_what_they_cover() {
        let pods = "/api/v1/namespaces/n/pods?labelSelector=a&watch=true&timeoutSeconds=290";
        assert_eq!(scope(pods).as_deref(), Some("Pods"));
        let secret = "/api/v1/namespaces/n/secrets?fieldSelector=metadata.name%3Dpull.a-b&limit=500";
        assert_eq!(scope(secret).as_deref(), Some("Secret pull.a-b"));
        let pools = "/apis/machineconfiguration.openshift.io/v1/machineconfigpools?limit=500";
        assert_eq!(scope(pools).as_deref(), Some("MachineConfigPools"));
        assert_eq!(scope("/apis/build.openshift.io/v1/namespaces/n/builds").as_deref(), Some("Builds"));
    }

    #[test]
    fn requests_for_one_object_or_for_other_kinds_are_no_watchs() {
        for uri in [
            "/api/v1/namespaces/n/configmaps/pods",
            "/apis/machineconfiguration.openshift.io/v1/machineconfigpools/worker/status",
            "/apis/other.io/v1/namespaces/n/builds",
            "/apis/coordination.k8s.io/v1/namespaces/n/leases?watch=true",
            "/version",
        ] {
            assert_eq!(scope(uri), None, "{uri}");
        }
    }
}
