//! Reading many objects at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::print::Printer;
use super::route::Query;
use super::selector::Filter;
use super::status::{FieldError, StatusError};
use super::store::{Collection, Key, Object, Store};

/// Where a list that was cut goes on.
#[derive(Debug, Serialize, Deserialize)]
struct Continuation {
    /// The version of the list.
    rv: u64,
    /// The namespace of the last object that was given.
    namespace: String,
    /// Its name.
    name: String,
}

/// Objects in order, and the version that they were read in.
#[derive(Debug)]
pub(super) struct List {
    items: Vec<Arc<Object>>,
    version: u64,
    next: Option<Key>,
    remaining: Option<usize>,
}

/// The objects of `collection` that pass `filter`, in order.
pub(super) fn select<'a>(
    objects: &'a BTreeMap<Key, Arc<Object>>,
    filter: &'a Filter,
    after: Option<&Key>,
) -> impl Iterator<Item = (&'a Key, &'a Arc<Object>)> {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let first = filter.namespace.as_ref().map(|namespace| Key::new(namespace, filter.name.as_deref().unwrap_or("")));
    let from = match (after, first) {
        (Some(after), Some(first)) if *after >= first => Excluded(after.clone()),
        (_, Some(first)) => Included(first),
        (Some(after), None) => Excluded(after.clone()),
        (None, None) => Unbounded,
    };
    objects
        .range((from, Unbounded))
        .take_while(|(key, _)| filter.namespace.as_ref().is_none_or(|namespace| key.namespace == *namespace))
        .take_while(|(key, _)| filter.namespace.is_none() || filter.name.as_ref().is_none_or(|name| key.name == *name))
        // Without a selector, the key has told.
        .filter(|(_, object)| !filter.selects() || filter.passes(&object.value))
}

/// Reads the list that a query asks for.
pub(super) fn list(store: &Store, collection: usize, filter: &Filter, query: &Query<'_>) -> Result<List, StatusError> {
    let limit = query.number::<i64>("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
    let collection = &store.collections[collection];
    check_options(query)?;
    let (asked, after) = start(query)?;
    check_version(store, asked)?;
    // Without a rule, a list that comes in pages is read in the very version that is asked for.
    let is_exact = match query.get("resourceVersionMatch") {
        "" => after.is_some() || limit.is_some(),
        rule => rule == "Exact",
    };
    let version = asked.filter(|_| is_exact).unwrap_or(store.version);
    let snapshot = snapshot(collection, version, after.is_some())?;
    let mut selected = select(snapshot.as_ref().unwrap_or(&collection.objects), filter, after.as_ref());
    let (mut items, mut last) = (Vec::new(), None);
    for (key, object) in selected.by_ref().take(limit.unwrap_or(usize::MAX)) {
        items.push(Arc::clone(object));
        last = Some(key);
    }
    let next = last.filter(|_| selected.next().is_some()).cloned();
    // With a selector, the real server does not know how many more there are.
    let remaining = (next.is_some() && !filter.selects()).then(|| 1 + selected.count());
    Ok(List { items, version, next, remaining })
}

/// Makes sure that the version that is asked for is there already.
pub(super) fn check_version(store: &Store, asked: Option<u64>) -> Result<(), StatusError> {
    match asked.filter(|asked| *asked > store.version) {
        Some(asked) => Err(StatusError::version_too_large(asked, store.version)),
        None => Ok(()),
    }
}

/// Makes sure that what a query says of versions makes sense together.
fn check_options(query: &Query<'_>) -> Result<(), StatusError> {
    let (version, rule, token) =
        (query.get("resourceVersion"), query.get("resourceVersionMatch"), query.get("continue"));
    if !token.is_empty() && !matches!(version, "" | "0") {
        return Err(StatusError::bad_request("specifying resource version is not allowed when using continue"));
    }
    let field = "resourceVersionMatch";
    let forbidden = |why| FieldError::forbidden(field, why);
    let cause = match rule {
        _ if !query.get("sendInitialEvents").is_empty() => {
            FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
        }
        "" => return Ok(()),
        _ if version.is_empty() => forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"),
        _ if !token.is_empty() => forbidden("resourceVersionMatch is forbidden when continue is provided"),
        "Exact" if version == "0" => forbidden("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""),
        "Exact" | "NotOlderThan" => return Ok(()),
        other => {
            let options = ["Exact", "NotOlderThan", ""].map(Value::from);
            FieldError::unsupported(field, &other.into(), &options)
        }
    };
    Err(StatusError::invalid_options("ListOptions", &cause))
}

/// The version that is asked for, and what the list goes on after.
fn start(query: &Query<'_>) -> Result<(Option<u64>, Option<Key>), StatusError> {
    match query.get("continue") {
        "" => Ok((query.version()?, None)),
        token => {
            let decoded = URL_SAFE_NO_PAD.decode(token).ok();
            let token: Option<Continuation> = decoded.and_then(|json| serde_json::from_slice(&json).ok());
            let token = token.ok_or_else(|| StatusError::bad_request("continue key is not valid"))?;
            Ok((Some(token.rv), Some(Key::new(token.namespace, token.name))))
        }
    }
}

/// The objects as they were in `version`; none if that is as they are.
fn snapshot(
    collection: &Collection,
    version: u64,
    is_continued: bool,
) -> Result<Option<BTreeMap<Key, Arc<Object>>>, StatusError> {
    if version < collection.dropped {
        return Err(StatusError::expired(if is_continued {
            "The provided continue parameter is too old to display a consistent list result. You can start a new list \
             without the continue parameter."
        } else {
            "The resourceVersion for the provided list is too old."
        }));
    }
    if collection.changes.back().is_none_or(|change| change.version <= version) {
        return Ok(None);
    }
    let mut objects = collection.objects.clone();
    for change in collection.changes_after(version).rev() {
        let key = Key::of(&change.object.value);
        match &change.previous {
            Some(previous) => objects.insert(key, Arc::clone(previous)),
            None => objects.remove(&key),
        };
    }
    Ok(Some(objects))
}

impl List {
    /// Where the objects are.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.items.iter().map(|object| Key::of(&object.value))
    }

    /// The list, as `printer` prints it.
    pub(super) fn print(&self, printer: &Printer) -> Bytes {
        let mut metadata = json!({"resourceVersion": self.version.to_string()});
        if let Some(next) = &self.next {
            let token = json!({"rv": self.version, "namespace": next.namespace, "name": next.name});
            metadata["continue"] = URL_SAFE_NO_PAD.encode(token.to_string()).into();
        }
        if let Some(remaining) = self.remaining {
            metadata["remainingItemCount"] = remaining.into();
        }
        printer.list(&metadata, &self.items)
    }
}
