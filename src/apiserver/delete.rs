//! Deleting objects.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::carry::bump_generation;
use super::collect::{collect, hold_for_dependents, vanish};
use super::kinds::{Kind, Rules};
use super::log::Verb;
use super::meta;
use super::route::Query;
use super::status::{self, Cause, Failure};
use super::store::{Object, Store};
use super::write::{Place, timestamp};

/// How long a pod may take to end that does not say.
const GRACE_PERIOD_DEFAULT_S: i64 = 30;
/// Namespaces that stay.
const IMMORTAL: [&str; 2] = ["default", "kube-system"];

/// What a client says about a deletion.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Options {
    grace_period_seconds: Option<i64>,
    preconditions: Option<Map<String, Value>>,
    dry_run: Option<Vec<String>>,
    propagation_policy: Option<String>,
    orphan_dependents: Option<bool>,
}

impl Options {
    /// The options in a request's body; those in its query, if it has no body.
    pub fn parse(body: Value, query: &Query<'_>) -> Result<Self, Failure> {
        let mut options: Self = match body {
            Value::Null => Self::of(query)?,
            body => serde_json::from_value(body).map_err(|error| Failure::bad_request(error.to_string()))?,
        };
        // The shortest period there is, short of none.
        options.grace_period_seconds = options.grace_period_seconds.map(|period| if period < 0 { 1 } else { period });
        let policy = options.propagation_policy.as_deref().unwrap_or_default();
        if !matches!(policy, "" | "Background" | "Foreground" | "Orphan") {
            let policies = ["Foreground", "Background", "Orphan", "nil"].map(Value::from);
            let cause = Cause::unsupported("propagationPolicy", &json!(policy), &policies);
            return Err(Failure::invalid_options("DeleteOptions", &cause));
        }
        Ok(options)
    }

    fn of(query: &Query<'_>) -> Result<Self, Failure> {
        let seconds = query.number("gracePeriodSeconds")?;
        Ok(Self {
            grace_period_seconds: seconds.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)),
            dry_run: query.dry_run(Verb::Delete)?.then(|| vec!["All".to_owned()]),
            propagation_policy: Some(query.get("propagationPolicy").to_owned()),
            ..Self::default()
        })
    }

    /// Whether what the object owned stays.
    fn has_orphans(&self) -> bool {
        self.propagation_policy.as_deref() == Some("Orphan") || self.orphan_dependents == Some(true)
    }

    /// Whether what the object owned goes before it does.
    fn is_in_foreground(&self) -> bool {
        self.propagation_policy.as_deref() == Some("Foreground")
    }

    /// Whether the body asks for a deletion that is only tried.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run.as_ref().is_some_and(|dry_run| !dry_run.is_empty())
    }
}

/// What came of a deletion.
#[derive(Debug)]
pub enum Deleted {
    /// The object is gone; the `Status` that says so.
    Gone(Value),
    /// The object stays for a while, or is one of those that are always shown: as it is, or last was.
    Object(Arc<Object>),
}

/// Whether nothing holds back an object that is being deleted.
pub fn is_over(object: &Value) -> bool {
    let is_full_namespace = object["kind"] == "Namespace" && object["spec"].get("finalizers").is_some();
    meta::is_being_deleted(object)
        && meta::finalizers(object).is_empty()
        && !is_full_namespace
        && object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) == 0
}

/// Deletes the object that `place` names.
pub fn delete(store: &mut Store, place: &Place<'_>, options: &Options) -> Result<Deleted, Failure> {
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
    let is_shown = matches!(kind.rules, Rules::Pod | Rules::Namespace);
    let is_marked = is_shown || !meta::finalizers(&object.value).is_empty() || options.is_in_foreground();
    let marked = if is_marked { mark(kind, &object.value, options, place.now) } else { None };
    let answer = |object: Arc<Object>| match is_marked {
        true => Deleted::Object(object),
        false => gone(place, &object.value),
    };
    if place.dry_run {
        return Ok(answer(marked.map_or(object, Object::new)));
    }
    if options.has_orphans() {
        store.release(meta::metadata(&object.value, "uid"));
    }
    let stored = match marked {
        Some(value) => store.put(place.collection, key.clone(), value),
        None => object,
    };
    if !is_marked || is_over(&stored.value) {
        vanish(store, place, &key);
    } else {
        collect(store, place, &key);
    }
    Ok(answer(stored))
}

/// Makes sure that the object is the one, and in the version, that the client wants to be gone.
fn check_preconditions(place: &Place<'_>, object: &Value, given: &Map<String, Value>) -> Result<(), Failure> {
    for (field, name, fate) in
        [("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified")]
    {
        let is = meta::metadata(object, field);
        if let Some(given) = given.get(field).and_then(Value::as_str).filter(|given| *given != is) {
            let why = format!(
                "the {name} in the precondition ({given}) does not match the {name} in record ({is}). \
                 The object might have been {fate}"
            );
            return Err(Failure::precondition(place.kind, place.name, &why));
        }
    }
    Ok(())
}

/// How long an object may take to end: none may but a pod that runs somewhere.
fn grace_period(kind: &Kind, object: &Value, options: &Options) -> i64 {
    let phase = meta::text(&object["status"], "phase");
    let runs = !meta::text(&object["spec"], "nodeName").is_empty() && !matches!(phase, "Succeeded" | "Failed");
    if kind.rules != Rules::Pod || !runs {
        return 0;
    }
    let own = || object["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(GRACE_PERIOD_DEFAULT_S);
    options.grace_period_seconds.unwrap_or_else(own)
}

/// The object, told that it has to end, and what for it waits; none if it knows all that already.
fn mark(kind: &Kind, object: &Value, options: &Options, now: Timestamp) -> Option<Value> {
    let mut marked = object.clone();
    if options.is_in_foreground() {
        hold_for_dependents(&mut marked);
    }
    if let Some((ends, period)) = new_end(kind, object, options, now) {
        marked["metadata"]["deletionTimestamp"] = timestamp(ends);
        marked["metadata"]["deletionGracePeriodSeconds"] = period.into();
        bump_generation(&mut marked);
    }
    if kind.rules == Rules::Namespace {
        marked["status"]["phase"] = "Terminating".into();
    }
    (marked != *object).then_some(marked)
}

/// When the object has to end, and how many seconds that is after it was told; none if that does not change.
fn new_end(kind: &Kind, object: &Value, options: &Options, now: Timestamp) -> Option<(Timestamp, i64)> {
    let metadata = &object["metadata"];
    let after = |start: Timestamp, seconds| start.checked_add(SignedDuration::from_secs(seconds));
    if !meta::is_being_deleted(object) {
        let period = grace_period(kind, object, options);
        return Some((after(now, period).unwrap_or(Timestamp::MAX), period));
    }
    // Only who asks for it makes an end come sooner; nobody makes it come later.
    let left = metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
    let period = options.grace_period_seconds.filter(|period| *period < left)?;
    let deadline: Timestamp = meta::text(metadata, "deletionTimestamp").parse().unwrap_or(now);
    Some((after(deadline, period - left).unwrap_or(now), period))
}

fn gone(place: &Place<'_>, object: &Value) -> Deleted {
    let mut details = status::details(place.kind, place.name);
    details.insert("uid".into(), object["metadata"]["uid"].clone());
    Deleted::Gone(json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    }))
}
