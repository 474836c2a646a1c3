//! Reviews: objects that the server answers at creation, and does not store.

use serde_json::{Value, json};

use super::attributes::Attributes;
use super::authorization::{decide, held};
use super::kinds::ResourceKind;
use super::meta::{text, texts};
use super::status::{FieldError, StatusError};
use super::store::Store;
use super::user::User;

/// Whether objects of this kind are reviews.
pub(super) fn is_review(kind: &ResourceKind) -> bool {
    matches!(kind.group(), "authentication.k8s.io" | "authorization.k8s.io")
}

/// A review that `user` has asked for, with the answer in its status.
pub(super) fn answer(store: &Store, user: &User, kind: &ResourceKind, mut review: Value) -> Result<Value, StatusError> {
    let spec = &review["spec"];
    let status = match kind.name {
        "SelfSubjectReview" => {
            json!({"userInfo": {"username": user.name, "uid": user.uid, "groups": user.groups}})
        }
        "SelfSubjectRulesReview" => rules(store, user, text(spec, "namespace")),
        "SubjectAccessReview" => access(store, &subject(kind, spec)?, kind, spec)?,
        _ => access(store, user, kind, spec)?,
    };
    review["status"] = status;
    review["metadata"] = json!({"creationTimestamp": null});
    Ok(review)
}

/// The user of a review.
fn subject(kind: &ResourceKind, spec: &Value) -> Result<User, StatusError> {
    let groups: Vec<String> = texts(spec, "groups").map(str::to_owned).collect();
    let (name, uid) = (text(spec, "user").to_owned(), text(spec, "uid").to_owned());
    if name.is_empty() && groups.is_empty() {
        let cause = FieldError::invalid("spec.user", &"".into(), "at least one of user or group must be specified");
        return Err(StatusError::invalid(kind, "", &[cause]));
    }
    Ok(User { name, uid, groups })
}

/// Whether `user` may do what `spec` says.
fn access(store: &Store, user: &User, kind: &ResourceKind, spec: &Value) -> Result<Value, StatusError> {
    let attributes = match (spec["resourceAttributes"].as_object(), spec["nonResourceAttributes"].as_object()) {
        (Some(_), None) => of_resource(&spec["resourceAttributes"]),
        (None, Some(_)) => {
            let asked = &spec["nonResourceAttributes"];
            Attributes { verb: text(asked, "verb"), path: text(asked, "path"), ..Attributes::default() }
        }
        _ => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            let cause = FieldError::invalid("spec.resourceAttributes", &spec["resourceAttributes"], why);
            return Err(StatusError::invalid(kind, "", &[cause]));
        }
    };
    let decision = decide(store, user, &attributes);
    let mut status = json!({"allowed": decision.is_allowed});
    if !decision.reason.is_empty() {
        status["reason"] = decision.reason.into();
    }
    Ok(status)
}

fn of_resource(asked: &Value) -> Attributes<'_> {
    let field = |name| text(asked, name);
    Attributes {
        verb: field("verb"),
        group: field("group"),
        resource: field("resource"),
        subresource: field("subresource"),
        namespace: field("namespace"),
        name: field("name"),
        path: "",
    }
}

/// All that `user` may do in `namespace`.
fn rules(store: &Store, user: &User, namespace: &str) -> Value {
    let held = held(store, user, namespace);
    let is_about_paths = |rule: &&Value| rule.get("nonResourceURLs").is_some();
    let rules = held.grants.iter().map(|grant| grant.rule);
    let (of_paths, of_resources): (Vec<&Value>, Vec<&Value>) = rules.partition(is_about_paths);
    json!({"resourceRules": of_resources, "nonResourceRules": of_paths, "incomplete": false})
}
