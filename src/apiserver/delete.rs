//! Deleting objects.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{DeleteOptions, Preconditions};
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::WriteContext;
use super::finalizers::{CLEANUP, FOREGROUND, hold, is_over};
use super::kinds::{ResourceKind, Strategy};
use super::log::Verb;
use super::meta;
use super::preserve::bump_generation;
use super::route::Query;
use super::status::{self, FieldError, StatusError};
use super::store::{Key, Object, Store};

/// How long a pod may take to end that does not say.
const GRACE_PERIOD_DEFAULT_S: i64 = 30;
/// Namespaces that stay.
const IMMORTAL: [&str; 2] = ["default", "kube-system"];

/// The options of a deletion: from the body of the request, or from its query if it has no body.
pub(super) fn options(body: Value, query: &Query<'_>) -> Result<DeleteOptions, StatusError> {
    let mut options = match body {
        Value::Null => in_query(query)?,
        body => DeleteOptions::deserialize(body).map_err(|error| StatusError::bad_request(error.to_string()))?,
    };
    // The shortest period there is, short of none.
    options.grace_period_seconds = options.grace_period_seconds.map(|period| if period < 0 { 1 } else { period });
    let refuse = |cause: FieldError| Err(StatusError::invalid_options("DeleteOptions", &cause));
    if let Some(policy) = &options.propagation_policy {
        if !matches!(policy.as_str(), "Background" | "Foreground" | "Orphan") {
            let policies = ["Foreground", "Background", "Orphan", "nil"].map(Value::from);
            return refuse(FieldError::unsupported("propagationPolicy", &json!(policy), &policies));
        }
        if options.orphan_dependents.is_some() {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            return refuse(FieldError::invalid("propagationPolicy", &json!(policy), why));
        }
    }
    match options.dry_run.iter().flatten().find(|mode| *mode != "All") {
        Some(mode) => refuse(FieldError::unsupported("dryRun", &json!(mode), [&json!("All")])),
        None => Ok(options),
    }
}

fn in_query(query: &Query<'_>) -> Result<DeleteOptions, StatusError> {
    Ok(DeleteOptions {
        grace_period_seconds: query.number("gracePeriodSeconds")?,
        dry_run: query.dry_run(Verb::Delete)?.then(|| vec!["All".to_owned()]),
        propagation_policy: Some(query.get("propagationPolicy").to_owned()).filter(|policy| !policy.is_empty()),
        ..DeleteOptions::default()
    })
}

/// Whether the deletion is only to be tried.
pub(super) fn is_dry_run(options: &DeleteOptions) -> bool {
    options.dry_run.as_ref().is_some_and(|modes| !modes.is_empty())
}

/// Whether what the object owned stays.
fn has_orphans(options: &DeleteOptions) -> bool {
    options.propagation_policy.as_deref() == Some("Orphan") || options.orphan_dependents == Some(true)
}

/// Whether what the object owned goes before it does.
fn is_in_foreground(options: &DeleteOptions) -> bool {
    options.propagation_policy.as_deref() == Some("Foreground")
}

/// The result of a deletion.
#[derive(Debug)]
pub(super) enum Deleted {
    /// The object is gone; the `Status` that says so.
    Gone(Value),
    /// The object stays for a while, or is one of those that are always shown: as it is, or last was.
    Object(Arc<Object>),
}

/// One step on the way out of an object. What follows from it comes before what came after it.
pub(super) enum Step {
    /// Deletes an object.
    Delete(usize, Key),
    /// Deletes an object, or takes the owner of this UID from it: what has another owner lives on as that one's.
    Disown(usize, Key, String),
    /// Deletes what has to be gone before an object may go.
    Collect(usize, Key),
    /// Lets an object go that has only waited for others, if all of those are gone.
    Settle(usize, Key),
    /// Takes an object out of its collection, and with it what it owned alone.
    Remove(usize, Key),
}

/// Deletes the object that `place` names, up to what has to be done next.
pub(super) fn begin(
    store: &mut Store,
    place: &WriteContext<'_>,
    options: &DeleteOptions,
) -> Result<(Deleted, Option<Step>), StatusError> {
    let (kind, key) = (place.kind, place.key());
    let object = Arc::clone(place.find(store)?);
    if let Some(preconditions) = &options.preconditions {
        check_preconditions(place, &object.value, preconditions)?;
    }
    if kind.rules == Strategy::Namespace && IMMORTAL.contains(&place.name) {
        return Err(StatusError::forbidden(kind, place.name, "this namespace may not be deleted"));
    }
    place.admit(place.name, None, Some(&object.value))?;
    let is_shown = matches!(kind.rules, Strategy::Pod | Strategy::Namespace | Strategy::Definition);
    let is_marked = is_shown || !meta::finalizers(&object.value).is_empty() || is_in_foreground(options);
    let marked = if is_marked { mark(kind, &object.value, options, place.now) } else { None };
    let answer = |object: Arc<Object>| match is_marked {
        true => Deleted::Object(object),
        false => gone(place, &object.value),
    };
    if place.dry_run {
        return Ok((answer(marked.map_or(object, Object::new)), None));
    }
    if has_orphans(options) {
        store.release(meta::metadata(&object.value, "uid"));
    }
    let stored = match marked {
        Some(value) => store.put(place.collection, key.clone(), value),
        None => object,
    };
    let goes = !is_marked || is_over(&stored.value);
    let next = if goes { Step::Remove(place.collection, key) } else { Step::Collect(place.collection, key) };
    Ok((answer(stored), Some(next)))
}

/// Makes sure that the object is the one, and in the version, that the client wants to be gone.
fn check_preconditions(place: &WriteContext<'_>, object: &Value, wanted: &Preconditions) -> Result<(), StatusError> {
    for (field, name, given, fate) in [
        ("uid", "UID", &wanted.uid, "deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", &wanted.resource_version, "modified"),
    ] {
        let is = meta::metadata(object, field);
        if let Some(given) = given.as_ref().filter(|given| *given != is) {
            let why = format!(
                "the {name} in the precondition ({given}) does not match the {name} in record ({is}). \
                 The object might have been {fate}"
            );
            return Err(StatusError::precondition(place.kind, place.name, &why));
        }
    }
    Ok(())
}

/// How long an object may take to end: none may but a pod that runs somewhere.
fn grace_period(kind: &ResourceKind, object: &Value, options: &DeleteOptions) -> i64 {
    let phase = meta::text(&object["status"], "phase");
    let runs = !meta::text(&object["spec"], "nodeName").is_empty() && !matches!(phase, "Succeeded" | "Failed");
    if kind.rules != Strategy::Pod || !runs {
        return 0;
    }
    let own = || object["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(GRACE_PERIOD_DEFAULT_S);
    options.grace_period_seconds.unwrap_or_else(own)
}

/// The object, told that it has to end, and what for it waits; none if it knows all that already.
fn mark(kind: &ResourceKind, object: &Value, options: &DeleteOptions, now: Timestamp) -> Option<Value> {
    let mut marked = object.clone();
    if is_in_foreground(options) {
        hold(&mut marked, FOREGROUND);
    }
    if kind.rules == Strategy::Definition {
        hold(&mut marked, CLEANUP);
    }
    if let Some((ends, period)) = new_end(kind, object, options, now) {
        marked["metadata"]["deletionTimestamp"] = meta::timestamp(ends);
        marked["metadata"]["deletionGracePeriodSeconds"] = period.into();
        bump_generation(&mut marked);
    }
    if kind.rules == Strategy::Namespace {
        marked["status"]["phase"] = "Terminating".into();
    }
    (marked != *object).then_some(marked)
}

/// The deletion timestamp and the grace period in seconds; none if they do not change.
fn new_end(kind: &ResourceKind, object: &Value, options: &DeleteOptions, now: Timestamp) -> Option<(Timestamp, i64)> {
    let metadata = &object["metadata"];
    let after = |start: Timestamp, seconds| start.checked_add(SignedDuration::from_secs(seconds));
    if !meta::is_being_deleted(object) {
        let period = grace_period(kind, object, options);
        return Some((after(now, period).unwrap_or(Timestamp::MAX), period));
    }
    // A later deletion can shorten the grace period if it asks for one, but never extend it.
    let left = metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
    let period = options.grace_period_seconds.filter(|period| *period < left)?;
    let deadline: Timestamp = meta::text(metadata, "deletionTimestamp").parse().unwrap_or(now);
    Some((after(deadline, period - left).unwrap_or(now), period))
}

fn gone(place: &WriteContext<'_>, object: &Value) -> Deleted {
    let mut details = status::details(place.kind, place.name);
    details.insert("uid".into(), object["metadata"]["uid"].clone());
    Deleted::Gone(json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    }))
}
