//! The settings that say where builds run, and how much they may use.

use std::collections::BTreeMap;

use super::checker::Checker;
use crate::api::labels::{is_label_key, is_label_value};
use crate::api::names::is_dns1123_subdomain;
use crate::reconcile::inputs::build_settings::{BuildSettings, Effect, Operator, Resources, Toleration};
use crate::reconcile::inputs::quantity;

/// What the key of a label may be.
pub(super) const KEY: &str = "NAME or DOMAIN/NAME, with a name of at most 63 letters, digits, -, _ and ., that begins and \
    ends with a letter or a digit";
/// What the value of a label may be.
pub(super) const VALUE: &str =
    "at most 63 letters, digits, -, _ and ., that begin and end with a letter or a digit, or nothing";
const QUANTITY: &str = "an amount as in 2, 500m or 4Gi";
const RESOURCE: &str = "cpu, memory, ephemeral-storage, hugepages-SIZE or DOMAIN/NAME";

pub(super) fn check(checker: &mut Checker, build: &BuildSettings) {
    labels(checker, "build.nodeSelector", &build.node_selector);
    for (index, toleration) in build.tolerations.iter().enumerate() {
        tolerate(checker, &format!("build.tolerations[{index}]"), toleration);
    }
    checker.name("build.priorityClassName", build.priority_class_name.as_ref());
    resources(checker, &build.resources);
}

/// Takes note of keys and values that are not those of labels.
pub(super) fn labels(checker: &mut Checker, field: &str, labels: &BTreeMap<String, String>) {
    for (key, value) in labels {
        checker.text(is_label_key(key), field, key, &format!("a key: {KEY}"));
        checker.text(is_label_value(value), &format!("{field}[{key}]"), value, VALUE);
    }
}

fn tolerate(checker: &mut Checker, field: &str, toleration: &Toleration) {
    let exists = toleration.operator == Some(Operator::Exists);
    match toleration.key.as_deref().filter(|key| !key.is_empty()) {
        Some(key) => checker.text(is_label_key(key), &format!("{field}.key"), key, KEY),
        None => checker.value(exists, &format!("{field}.operator"), "Equal", "Exists where there is no key"),
    }
    let value = toleration.value.as_deref().unwrap_or_default();
    let allowed = if exists { "left out where the operator is Exists" } else { VALUE };
    let is_good = if exists { value.is_empty() } else { is_label_value(value) };
    checker.text(is_good, &format!("{field}.value"), value, allowed);
    if let Some(seconds) = toleration.toleration_seconds {
        let is_good = toleration.effect == Some(Effect::NoExecute);
        let allowed = "left out unless the effect is NoExecute";
        checker.value(is_good, &format!("{field}.tolerationSeconds"), seconds, allowed);
    }
}

fn resources(checker: &mut Checker, resources: &Resources) {
    for (part, amounts) in [("requests", &resources.requests), ("limits", &resources.limits)] {
        for (name, amount) in amounts {
            let field = format!("build.resources.{part}");
            checker.text(is_resource(name), &field, name, &format!("the name of a resource: {RESOURCE}"));
            checker.text(quantity::parse(amount).is_some(), &format!("{field}.{name}"), amount, QUANTITY);
        }
    }
    for (name, request) in &resources.requests {
        let Some(limit) = resources.limits.get(name) else { continue };
        let (Some(least), Some(most)) = (quantity::parse(request), quantity::parse(limit)) else { continue };
        let allowed = format!("at least what is requested, which is {request}");
        checker.text(least <= most, &format!("build.resources.limits.{name}"), limit, &allowed);
    }
}

fn is_resource(name: &str) -> bool {
    let is_size = |size: &str| quantity::parse(size).is_some_and(|size| size > 0);
    match name.split_once('/') {
        Some((domain, _)) => is_dns1123_subdomain(domain) && is_label_key(name),
        None => {
            matches!(name, "cpu" | "memory" | "ephemeral-storage")
                || name.strip_prefix("hugepages-").is_some_and(is_size)
        }
    }
}
