//! Matching of RBAC rules and of the subjects of bindings.

use serde_json::Value;

use super::attributes::Attributes;
use super::kinds::RBAC;
use super::meta::{text, texts};
use super::user::User;

/// Whether `rule` allows this.
pub(super) fn allows(rule: &Value, attributes: &Attributes<'_>) -> bool {
    let Attributes { verb, group, resource, subresource, name, path, .. } = *attributes;
    if !has(rule, "verbs", verb) {
        return false;
    }
    if resource.is_empty() {
        return texts(rule, "nonResourceURLs").any(|url| match url.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => url == path,
        });
    }
    has(rule, "apiGroups", group)
        && texts(rule, "resources").any(|allowed| is_resource(allowed, resource, subresource))
        && (texts(rule, "resourceNames").next().is_none()
            || texts(rule, "resourceNames").any(|allowed| allowed == name))
}

/// Whether a list of a rule has this in it, or everything.
fn has(rule: &Value, field: &str, wanted: &str) -> bool {
    texts(rule, field).any(|allowed| allowed == "*" || allowed == wanted)
}

/// Whether this is what is allowed: `*`, `pods`, `pods/log`, `*/log`.
fn is_resource(allowed: &str, resource: &str, subresource: &str) -> bool {
    match allowed.split_once('/') {
        None => allowed == "*" || (allowed == resource && subresource.is_empty()),
        Some((first, second)) => {
            !subresource.is_empty() && second == subresource && (first == "*" || first == resource)
        }
    }
}

/// Whether a subject of a binding in `namespace` means `user`.
pub(super) fn is_about(subject: &Value, user: &User, namespace: &str) -> bool {
    let (kind, name) = (text(subject, "kind"), text(subject, "name"));
    let is_in = |group: &str| matches!(text(subject, "apiGroup"), "") || text(subject, "apiGroup") == group;
    match kind {
        "User" => is_in(RBAC) && user.name == name,
        "Group" => is_in(RBAC) && user.groups.iter().any(|group| group == name),
        "ServiceAccount" => {
            let namespace = account_namespace(subject, namespace);
            is_in("") && !namespace.is_empty() && user.name == User::service_account(namespace, name).name
        }
        _ => false,
    }
}

fn account_namespace<'a>(subject: &'a Value, namespace: &'a str) -> &'a str {
    Some(text(subject, "namespace")).filter(|own| !own.is_empty()).unwrap_or(namespace)
}

/// A subject of a binding in `namespace`, as reasons have it.
pub(super) fn describe(subject: &Value, namespace: &str) -> String {
    let (kind, name) = (text(subject, "kind"), text(subject, "name"));
    match kind {
        "ServiceAccount" => format!("{kind} {:?}", format!("{name}/{}", account_namespace(subject, namespace))),
        _ => format!("{kind} {name:?}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GET: Attributes<'_> =
        Attributes { verb: "get", group: "", resource: "pods", subresource: "", namespace: "n", name: "p", path: "" };

    #[test]
    fn a_rule_allows_what_all_its_lists_have() {
        let rule = |group: &str, resources: &[&str], names: &[&str], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "resourceNames": names, "verbs": verbs});
        let log = Attributes { subresource: "log", ..GET };
        let list = Attributes { verb: "list", name: "", ..GET };
        for (rule, attributes, expected) in [
            (rule("", &["pods"], &[], &["get"]), GET, true),
            (rule("*", &["*"], &[], &["*"]), GET, true),
            (rule("", &["pods"], &[], &["list"]), GET, false),
            (rule("apps", &["pods"], &[], &["get"]), GET, false),
            (rule("", &["secrets"], &[], &["get"]), GET, false),
            (rule("", &["pods"], &["p", "q"], &["get"]), GET, true),
            (rule("", &["pods"], &["q"], &["get"]), GET, false),
            (rule("", &["pods"], &["p"], &["list"]), list, false),
            (rule("", &["pods"], &["p"], &["list"]), Attributes { name: "p", ..list }, true),
            (rule("", &["pods"], &["p"], &["create"]), Attributes { verb: "create", name: "", ..GET }, false),
            (rule("", &["pods"], &[], &["get"]), log, false),
            (rule("", &["pods/log"], &[], &["get"]), log, true),
            (rule("", &["*/log"], &[], &["get"]), log, true),
            (rule("", &["*"], &[], &["get"]), log, true),
            (rule("", &["pods/*"], &[], &["get"]), log, false),
            (rule("", &["pods/log"], &[], &["get"]), GET, false),
            (rule("", &["pods/"], &[], &["get"]), GET, false),
            (json!({}), GET, false),
            (json!({"verbs": ["*"], "nonResourceURLs": ["*"]}), GET, false),
        ] {
            assert_eq!(allows(&rule, &attributes), expected, "{rule} {attributes:?}");
        }
    }

    #[test]
    fn a_path_is_allowed_by_itself_or_by_how_it_begins() {
        for (url, path, expected) in [
            ("/healthz", "/healthz", true),
            ("/healthz", "/healthz/more", false),
            ("/apis/*", "/apis/apps/v1", true),
            ("/apis/*", "/apis", false),
            ("/apis*", "/apis", true),
            ("*", "/anything", true),
        ] {
            let rule = json!({"verbs": ["get"], "nonResourceURLs": [url], "apiGroups": ["*"], "resources": ["pods"]});
            let attributes = Attributes { verb: "get", path, ..Attributes::default() };
            assert_eq!(allows(&rule, &attributes), expected, "{url} {path}");
            assert!(!allows(&rule, &Attributes { verb: "post", ..attributes }));
        }
    }

    #[test]
    fn a_subject_means_a_user_a_group_or_an_account() {
        let account = User::service_account("n", "robot");
        let (user, group) = ("User", "Group");
        for (subject, namespace, expected) in [
            (json!({"kind": user, "name": "system:serviceaccount:n:robot"}), "", true),
            (json!({"kind": user, "name": "robot"}), "n", false),
            (json!({"kind": user, "apiGroup": "other", "name": "system:serviceaccount:n:robot"}), "", false),
            (json!({"kind": group, "apiGroup": RBAC, "name": "system:serviceaccounts:n"}), "", true),
            (json!({"kind": group, "apiGroup": RBAC, "name": "system:authenticated"}), "", true),
            (json!({"kind": group, "apiGroup": RBAC, "name": "system:masters"}), "", false),
            (json!({"kind": "ServiceAccount", "name": "robot", "namespace": "n"}), "m", true),
            (json!({"kind": "ServiceAccount", "name": "robot"}), "n", true),
            (json!({"kind": "ServiceAccount", "name": "robot"}), "m", false),
            (json!({"kind": "ServiceAccount", "name": "robot"}), "", false),
            (json!({"kind": "ServiceAccount", "name": "other", "namespace": "n"}), "n", false),
            (json!({"kind": "Robot", "name": "robot"}), "n", false),
        ] {
            assert_eq!(is_about(&subject, &account, namespace), expected, "{subject} {namespace}");
        }
    }
}
