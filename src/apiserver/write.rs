//! Creating and updating objects.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::context::WriteContext;
use super::defaults::{encode_strings, set_defaults};
use super::delete::Step;
use super::finalizers::is_over;
use super::gc::follow;
use super::kinds::{DEFINITIONS, KINDS, NAMESPACES, ResourceKind, Strategy};
use super::preserve::{count_generation, counts_generations, keep_system_fields, with_rest_of, with_status_of};
use super::print::in_version;
use super::pruning::prune_and_default;
use super::status::{FieldError, StatusError};
use super::store::{Key, Object, Store};
use super::{meta, validate};

/// Times that a name is made up before the server gives up.
const NAME_TRIES_MAX: usize = 8;

/// Makes sure that `body` is of the kind that was addressed.
pub(super) fn check_types(kind: &ResourceKind, body: &mut Value) -> Result<(), StatusError> {
    let Some(object) = body.as_object_mut() else {
        return Err(StatusError::bad_request(format!("the body is not a {} object", kind.name)));
    };
    for (field, expected) in [("apiVersion", kind.api_version), ("kind", kind.name)] {
        let given = object.entry(field).or_insert_with(|| expected.into());
        if given == expected {
            continue;
        }
        let given = given.as_str().unwrap_or_default();
        return Err(StatusError::bad_request(if field == "kind" {
            format!("{given} in version {:?} cannot be handled as a {expected}", kind.version())
        } else {
            format!("the API version in the data ({given}) does not match the expected API version ({expected})")
        }));
    }
    Ok(())
}

/// Makes sure that `body` is of the kind that was addressed, and names the namespace and the object. Gives its
/// metadata.
fn checked<'b>(place: &WriteContext<'_>, body: &'b mut Value) -> Result<&'b mut Map<String, Value>, StatusError> {
    check_types(place.kind, body)?;
    let metadata = meta::normalize(body).map_err(StatusError::bad_request)?;
    let text = |field: &str| text(metadata, field).unwrap_or_default();
    let (namespace, name) = (text("namespace"), text("name"));
    if !namespace.is_empty() && !place.namespace.is_empty() && namespace != place.namespace {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(StatusError::bad_request(message));
    }
    if !place.name.is_empty() && name != place.name {
        return Err(StatusError::bad_request(if name.is_empty() {
            "name must be provided".to_owned()
        } else {
            format!("the name of the object ({name}) does not match the name on the URL ({})", place.name)
        }));
    }
    match place.namespace {
        "" => metadata.remove("namespace"),
        namespace => metadata.insert("namespace".into(), namespace.into()),
    };
    Ok(metadata)
}

/// Stores `body` as a new object.
pub(super) fn create(store: &mut Store, place: &WriteContext<'_>, mut body: Value) -> Result<Arc<Object>, StatusError> {
    let kind = place.kind;
    let metadata = checked(place, &mut body)?;
    let name = text(metadata, "name").unwrap_or_default().to_owned();
    if metadata.contains_key("resourceVersion") {
        return Err(StatusError::bad_request("resourceVersion should not be set on objects to be created"));
    }
    if kind.namespaced {
        check_namespace(store, place, &name)?;
    }
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
        metadata.remove(field);
    }
    prune_and_default(place, &mut body)?;
    let metadata = meta::normalize(&mut body).map_err(StatusError::bad_request)?;
    metadata.insert("uid".into(), store.uid().into());
    metadata.insert("creationTimestamp".into(), meta::timestamp(place.now));
    if counts_generations(kind) {
        metadata.insert("generation".into(), 1.into());
    }
    if kind.is_custom() && is_definition_going(store, kind) {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(StatusError::forbidden(kind, &name, why));
    }
    let key = choose_name(store, place, &mut body)?;
    set_defaults(kind, &mut body, place.now);
    let causes = validate::object(kind, &body);
    if !causes.is_empty() {
        return Err(StatusError::invalid(kind, &key.name, &causes));
    }
    place.admit(&key.name, Some(&body), None)?;
    if let Some(other) = store.get(place.collection, &key) {
        return Err(StatusError::already_exists(kind, &key.name, meta::is_being_deleted(&other.value)));
    }
    if place.dry_run {
        return Ok(Object::new(body));
    }
    Ok(store.put(place.collection, key, body))
}

fn is_definition_going(store: &Store, kind: &ResourceKind) -> bool {
    let definition = store.get(DEFINITIONS, &Key::new("", kind.qualified(kind.plural)));
    definition.is_some_and(|definition| meta::is_being_deleted(&definition.value))
}

/// Makes sure that the namespace is there, and stays.
fn check_namespace(store: &Store, place: &WriteContext<'_>, name: &str) -> Result<(), StatusError> {
    let namespace = place.namespace;
    let Some(object) = store.get(NAMESPACES, &Key::new("", namespace)) else {
        return Err(StatusError::not_found(&KINDS[NAMESPACES], namespace));
    };
    match meta::is_being_deleted(&object.value) {
        true => Err(StatusError::namespace_terminating(place.kind, name, namespace)),
        false => Ok(()),
    }
}

/// The key of a new object; where it has only the beginning of a name, it is given one that is free.
fn choose_name(store: &mut Store, place: &WriteContext<'_>, body: &mut Value) -> Result<Key, StatusError> {
    let (name, base) = (meta::metadata(body, "name"), meta::metadata(body, "generateName"));
    if !name.is_empty() || base.is_empty() {
        return Ok(Key::new(place.namespace, name));
    }
    let base = base.to_owned();
    for _ in 0..NAME_TRIES_MAX {
        let key = Key::new(place.namespace, store.generated_name(&base));
        if store.get(place.collection, &key).is_none() {
            body["metadata"]["name"] = key.name.as_str().into();
            return Ok(key);
        }
    }
    Err(StatusError::no_free_name(place.kind, &base))
}

/// Replaces an object by `body`. The flag tells whether it had to be created.
pub(super) fn replace(
    store: &mut Store,
    place: &WriteContext<'_>,
    mut body: Value,
) -> Result<(Arc<Object>, bool), StatusError> {
    let kind = place.kind;
    let metadata = checked(place, &mut body)?;
    let has_version = metadata.contains_key("resourceVersion");
    let Some(old) = store.get(place.collection, &place.key()).cloned() else {
        return if kind.create_on_update && !place.is_status && !has_version {
            create(store, place, body).map(|object| (object, true))
        } else {
            Err(StatusError::not_found(kind, place.name))
        };
    };
    if !has_version && !kind.unconditional_update {
        return Err(StatusError::version_missing(kind, place.name));
    }
    check_preconditions(kind, place.name, &old.value, metadata)?;
    update(store, place, &old, body).map(|object| (object, false))
}

/// Stores `new` as what `old` becomes.
///
/// The version in `new`, if there is one, has to be the one of `old`.
pub(super) fn update(
    store: &mut Store,
    place: &WriteContext<'_>,
    old: &Arc<Object>,
    mut new: Value,
) -> Result<Arc<Object>, StatusError> {
    let kind = place.kind;
    let old = &in_version(old, kind);
    let metadata = checked(place, &mut new)?;
    check_version(kind, place.name, &old.value, metadata)?;
    if metadata.get("uid").is_some_and(|uid| *uid != old.value["metadata"]["uid"]) {
        let cause = FieldError::invalid("metadata.uid", &metadata["uid"], "field is immutable");
        return Err(StatusError::invalid(kind, place.name, &[cause]));
    }
    prune_and_default(place, &mut new)?;
    let mut new =
        if place.is_status { with_status_of(kind, &old.value, new) } else { with_rest_of(kind, &old.value, new) };
    keep_system_fields(&old.value, &mut new);
    if kind.rules == Strategy::Secret {
        encode_strings(&mut new);
    }
    count_generation(kind, &old.value, &mut new);
    let is_same = new == old.value;
    let causes = if is_same { Vec::new() } else { validate::update(kind, &old.value, &new) };
    if !causes.is_empty() {
        return Err(StatusError::invalid(kind, place.name, &causes));
    }
    place.admit(place.name, Some(&new), Some(&old.value))?;
    if is_same {
        return Ok(Arc::clone(old));
    }
    if place.dry_run {
        return Ok(Object::new(new));
    }
    if is_over(&new) {
        // The event of the deletion shows the object as it was stored last, with the finalizer that this takes off.
        follow(store, place, vec![Step::Remove(place.collection, place.key())]);
        return Ok(Object::new(new));
    }
    Ok(store.put(place.collection, place.key(), new))
}

/// Makes sure that the version and the UID that a client gave are those of the object.
fn check_preconditions(
    kind: &ResourceKind,
    name: &str,
    old: &Value,
    given: &Map<String, Value>,
) -> Result<(), StatusError> {
    let uid = meta::metadata(old, "uid");
    if let Some(given) = text(given, "uid").filter(|given| *given != uid) {
        let why = format!("Precondition failed: UID in precondition: {given}, UID in object meta: {uid}");
        return Err(StatusError::conflict(kind, name, &why));
    }
    check_version(kind, name, old, given)
}

fn check_version(kind: &ResourceKind, name: &str, old: &Value, given: &Map<String, Value>) -> Result<(), StatusError> {
    match text(given, "resourceVersion") {
        Some(given) if given != meta::metadata(old, "resourceVersion") => Err(StatusError::modified(kind, name)),
        _ => Ok(()),
    }
}

fn text<'a>(given: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    given.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}
