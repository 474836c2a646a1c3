//! Pods.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::meta::{self, items};
use super::super::status::FieldError;
use super::metadata::label_fault;

const SPEC: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const RESTART_POLICIES: [&str; 3] = ["Always", "Never", "OnFailure"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];

/// Adds what is wrong with a pod.
pub(super) fn object(pod: &Value, causes: &mut Vec<FieldError>) {
    let spec = &pod["spec"];
    let mut volumes = BTreeSet::new();
    for (index, volume) in items(spec, "volumes").iter().enumerate() {
        named(volume, &format!("spec.volumes[{index}].name"), &mut volumes, causes);
    }
    if items(spec, "containers").is_empty() {
        causes.push(FieldError::required("spec.containers", ""));
    }
    let mut names = BTreeSet::new();
    for field in ["containers", "initContainers"] {
        for (index, container) in items(spec, field).iter().enumerate() {
            let path = format!("spec.{field}[{index}]");
            named(container, &format!("{path}.name"), &mut names, causes);
            self::container(container, &path, &volumes, causes);
        }
    }
    one_of(spec, "restartPolicy", "spec.restartPolicy", &RESTART_POLICIES, causes);
    for field in ["terminationGracePeriodSeconds", "activeDeadlineSeconds"] {
        let least = i64::from(field == "activeDeadlineSeconds");
        if let Some(seconds) = spec[field].as_i64().filter(|seconds| *seconds < least) {
            let why = if least == 0 {
                "must be greater than or equal to 0"
            } else {
                "must be between 1 and 2147483647, inclusive"
            };
            causes.push(FieldError::invalid(format!("spec.{field}"), &json!(seconds), why));
        }
    }
}

fn container(container: &Value, path: &str, volumes: &BTreeSet<&str>, causes: &mut Vec<FieldError>) {
    if meta::text(container, "image").is_empty() {
        causes.push(FieldError::required(format!("{path}.image"), ""));
    }
    one_of(container, "imagePullPolicy", &format!("{path}.imagePullPolicy"), &PULL_POLICIES, causes);
    for (index, variable) in items(container, "env").iter().enumerate() {
        if meta::text(variable, "name").is_empty() {
            causes.push(FieldError::required(format!("{path}.env[{index}].name"), ""));
        }
    }
    for (index, port) in items(container, "ports").iter().enumerate() {
        let at = format!("{path}.ports[{index}]");
        one_of(port, "protocol", &format!("{at}.protocol"), &PROTOCOLS, causes);
        match port["containerPort"].as_i64().unwrap_or_default() {
            0 => causes.push(FieldError::required(format!("{at}.containerPort"), "")),
            1..=65_535 => {}
            number => {
                let why = "must be between 1 and 65535, inclusive";
                causes.push(FieldError::invalid(format!("{at}.containerPort"), &json!(number), why));
            }
        }
    }
    let mut paths = BTreeSet::new();
    for (index, mount) in items(container, "volumeMounts").iter().enumerate() {
        let at = format!("{path}.volumeMounts[{index}]");
        let (name, mounted) = (meta::text(mount, "name"), meta::text(mount, "mountPath"));
        if name.is_empty() {
            causes.push(FieldError::required(format!("{at}.name"), ""));
        } else if !volumes.contains(name) {
            causes.push(FieldError::not_found(format!("{at}.name"), &json!(name)));
        }
        if mounted.is_empty() {
            causes.push(FieldError::required(format!("{at}.mountPath"), ""));
        } else if !paths.insert(mounted) {
            causes.push(FieldError::invalid(format!("{at}.mountPath"), &json!(mounted), "must be unique"));
        }
    }
}

/// Something that has to have a name, and one that nothing else in `names` has.
fn named<'a>(item: &'a Value, path: &str, names: &mut BTreeSet<&'a str>, causes: &mut Vec<FieldError>) {
    let name = meta::text(item, "name");
    if name.is_empty() {
        causes.push(FieldError::required(path, ""));
    } else if let Some(why) = label_fault(name) {
        causes.push(FieldError::invalid(path, &json!(name), why));
    } else if !names.insert(name) {
        causes.push(FieldError::duplicate(path, &json!(name)));
    }
}

fn one_of(value: &Value, field: &str, path: &str, options: &[&str], causes: &mut Vec<FieldError>) {
    let given = meta::text(value, field);
    if !given.is_empty() && !options.contains(&given) {
        let options: Vec<Value> = options.iter().map(|option| json!(option)).collect();
        causes.push(FieldError::unsupported(path, &json!(given), &options));
    }
}

/// Adds what may not change from `old` to `new`.
pub(super) fn update(old: &Value, new: &Value, causes: &mut Vec<FieldError>) {
    let (before, after) = (&old["spec"], &new["spec"]);
    let keeps_tolerations = items(before, "tolerations").iter().all(|one| items(after, "tolerations").contains(one));
    if fixed_spec(old) != fixed_spec(new) || !keeps_tolerations {
        causes.push(FieldError::forbidden("spec", SPEC));
    }
    let deadline = |spec: &Value| spec["activeDeadlineSeconds"].as_i64();
    let field = "spec.activeDeadlineSeconds";
    match (deadline(before), deadline(after)) {
        (Some(_), None) => {
            let why = "must not update from a positive integer to nil value";
            causes.push(FieldError::invalid(field, &Value::Null, why));
        }
        (Some(before), Some(after)) if after > before => {
            let why = "must be less than or equal to previous value";
            causes.push(FieldError::invalid(field, &json!(after), why));
        }
        _ => {}
    }
}

/// A pod's spec, less what may change.
fn fixed_spec(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("activeDeadlineSeconds");
        spec.remove("tolerations");
        for list in ["containers", "initContainers"] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
                container.remove("image");
            }
        }
    }
    spec
}
