//! Deleting objects, and what belongs to them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{DeleteOptions, Preconditions};
use serde::Deserialize;
use serde_json::{Value, json};

use super::carry::bump_generation;
use super::kinds::{Kind, NAMESPACES, Rules};
use super::log::Verb;
use super::meta;
use super::route::Query;
use super::status::{self, Cause, Failure};
use super::store::{Key, Object, Store};
use super::write::{Place, timestamp};

/// How long a pod may take to end that does not say.
const GRACE_PERIOD_DEFAULT_S: i64 = 30;
/// Namespaces that stay.
const IMMORTAL: [&str; 2] = ["default", "kube-system"];

/// What a client says about a deletion: in the body of its request, or in the query of one that has no body.
pub fn options(body: Value, query: &Query<'_>) -> Result<DeleteOptions, Failure> {
    let options = match body {
        Value::Null => in_query(query)?,
        body => DeleteOptions::deserialize(body).map_err(|error| Failure::bad_request(error.to_string()))?,
    };
    let refuse = |cause: Cause| Err(Failure::invalid_options("DeleteOptions", &cause));
    if let Some(policy) = &options.propagation_policy {
        let policies = ["Foreground", "Background", "Orphan", "nil"].map(Value::from);
        if policy == "nil" || !policies.contains(&json!(policy)) {
            return refuse(Cause::unsupported("propagationPolicy", &json!(policy), &policies));
        }
        if options.orphan_dependents.is_some() {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            return refuse(Cause::invalid("propagationPolicy", &json!(policy), why));
        }
    }
    match options.dry_run.iter().flatten().find(|mode| *mode != "All") {
        Some(mode) => refuse(Cause::unsupported("dryRun", &json!(mode), [&json!("All")])),
        None => Ok(options),
    }
}

fn in_query(query: &Query<'_>) -> Result<DeleteOptions, Failure> {
    let seconds = query.number("gracePeriodSeconds")?;
    Ok(DeleteOptions {
        grace_period_seconds: seconds.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)),
        dry_run: query.dry_run(Verb::Delete)?.then(|| vec!["All".to_owned()]),
        propagation_policy: Some(query.get("propagationPolicy").to_owned()).filter(|policy| !policy.is_empty()),
        ..DeleteOptions::default()
    })
}

/// Whether the deletion is only to be tried.
pub fn is_dry_run(options: &DeleteOptions) -> bool {
    options.dry_run.as_ref().is_some_and(|modes| !modes.is_empty())
}

/// Whether what the object owned stays.
fn has_orphans(options: &DeleteOptions) -> bool {
    options.propagation_policy.as_deref() == Some("Orphan") || options.orphan_dependents == Some(true)
}

/// What came of a deletion.
#[derive(Debug)]
pub enum Deleted {
    /// The object is gone; the `Status` that says so.
    Gone(Value),
    /// The object stays for a while, or is a pod: as it is, or last was.
    Object(Arc<Object>),
}

/// Whether nothing holds back an object that is being deleted.
pub fn is_over(object: &Value) -> bool {
    meta::is_being_deleted(object)
        && meta::finalizers(object).is_empty()
        && object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) == 0
}

/// Deletes the object that `place` names, and what belongs to it.
pub fn delete(store: &mut Store, place: &Place<'_>, options: &DeleteOptions) -> Result<Deleted, Failure> {
    let (deleted, goes) = begin(store, place, options)?;
    if goes {
        vanish(store, place, &place.key());
    }
    Ok(deleted)
}

/// Marks the object that `place` names, if it has to be. Tells whether it has to go now.
fn begin(store: &mut Store, place: &Place<'_>, options: &DeleteOptions) -> Result<(Deleted, bool), Failure> {
    let (kind, key) = (place.kind, place.key());
    let Some(object) = store.get(place.collection, &key).cloned() else {
        return Err(Failure::not_found(kind, place.name));
    };
    if let Some(preconditions) = &options.preconditions {
        check_preconditions(place, &object.value, preconditions)?;
    }
    if kind.rules == Rules::Namespace && IMMORTAL.contains(&place.name) {
        return Err(Failure::forbidden(kind, place.name, "this namespace may not be deleted"));
    }
    let period = if kind.rules == Rules::Pod { grace_period(&object.value, options) } else { 0 };
    let must_be_marked = kind.rules == Rules::Pod || !meta::finalizers(&object.value).is_empty();
    let marked = if must_be_marked { mark(&object.value, period, options, place.now) } else { None };
    let current = marked.as_ref().unwrap_or(&object.value);
    let goes = !must_be_marked || is_over(current);
    if place.dry_run {
        let result = Object::new(current.clone());
        return Ok((if must_be_marked { Deleted::Object(result) } else { gone(place, &object.value) }, false));
    }
    let stored = match marked {
        Some(value) => store.put(place.collection, key.clone(), value),
        None => Arc::clone(&object),
    };
    if goes && has_orphans(options) {
        store.release(meta::metadata(&object.value, "uid"));
    }
    Ok((if must_be_marked { Deleted::Object(stored) } else { gone(place, &object.value) }, goes))
}

fn check_preconditions(place: &Place<'_>, object: &Value, given: &Preconditions) -> Result<(), Failure> {
    let fields = [("UID", "uid", &given.uid), ("ResourceVersion", "resourceVersion", &given.resource_version)];
    for (what, field, given) in fields {
        let own = meta::metadata(object, field);
        if let Some(given) = given.as_ref().filter(|given| *given != own) {
            let why = format!("Precondition failed: {what} in precondition: {given}, {what} in object meta: {own}");
            return Err(Failure::conflict(place.kind, place.name, &why));
        }
    }
    Ok(())
}

/// How long a pod may take to end.
fn grace_period(pod: &Value, options: &DeleteOptions) -> i64 {
    let phase = meta::text(&pod["status"], "phase");
    if meta::text(&pod["spec"], "nodeName").is_empty() || matches!(phase, "Succeeded" | "Failed") {
        return 0;
    }
    let own = || pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(GRACE_PERIOD_DEFAULT_S);
    options.grace_period_seconds.unwrap_or_else(own).max(0)
}

/// The object, told that it has to end; none if it knows already, and of no later end than now asked for.
fn mark(object: &Value, period: i64, options: &DeleteOptions, now: Timestamp) -> Option<Value> {
    let metadata = &object["metadata"];
    let mut ends = now;
    let mut period = period;
    if meta::is_being_deleted(object) {
        let left = metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
        // Only who asks for it makes an end come sooner; nobody makes it come later.
        period = options.grace_period_seconds.map_or(left, |period| period.max(0));
        if period >= left {
            return None;
        }
        let deadline: Timestamp = meta::text(metadata, "deletionTimestamp").parse().unwrap_or(now);
        ends = deadline.checked_sub(SignedDuration::from_secs(left)).unwrap_or(now);
    }
    ends = ends.checked_add(SignedDuration::from_secs(period)).unwrap_or(Timestamp::MAX);
    let mut marked = object.clone();
    marked["metadata"]["deletionTimestamp"] = timestamp(ends);
    marked["metadata"]["deletionGracePeriodSeconds"] = period.into();
    bump_generation(&mut marked);
    Some(marked)
}

fn gone(place: &Place<'_>, object: &Value) -> Deleted {
    let mut details = status::details(place.kind, place.name);
    details.insert("uid".into(), object["metadata"]["uid"].clone());
    Deleted::Gone(json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    }))
}

/// Takes the object at `key` out of its collection, and with it what it owned alone; gives its last state.
pub fn vanish(store: &mut Store, place: &Place<'_>, key: &Key) -> Option<Arc<Object>> {
    let object = store.remove(place.collection, key)?;
    // A list, and no recursion: a chain of owners may be longer than a thread's stack is deep.
    let mut doomed = belongings(store, place.kind, key, &object);
    while let Some((collection, key)) = doomed.pop() {
        let kind = store.collections[collection].kind;
        let place = Place { collection, kind, namespace: &key.namespace, name: &key.name, is_status: false, ..*place };
        // One that went with another is no loss.
        let goes = begin(store, &place, &DeleteOptions::default()).is_ok_and(|(_, goes)| goes);
        if let Some(object) = goes.then(|| store.remove(collection, &key)).flatten() {
            doomed.extend(belongings(store, kind, &key, &object));
        }
    }
    Some(object)
}

/// What goes with an object that is gone, the last first.
fn belongings(store: &Store, kind: &Kind, key: &Key, object: &Object) -> Vec<(usize, Key)> {
    let mut found = store.orphans_of(meta::metadata(&object.value, "uid"));
    if kind.rules == Rules::Namespace {
        for (index, collection) in store.collections.iter().enumerate().filter(|(index, _)| *index != NAMESPACES) {
            let inside = collection.objects.keys().filter(|inside| inside.namespace == key.name);
            found.extend(inside.map(|inside| (index, inside.clone())));
        }
    }
    found.reverse();
    found
}
