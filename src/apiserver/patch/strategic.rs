//! Strategic merge patches: merge patches with a merge key for the items of a list.
//!
//! A list of objects that is not in the table below is replaced as a whole, and so is every list of plain values except
//! the finalizers. This is right for all kinds that are built in here. The order of merged items is that of the real
//! server.

use serde_json::{Map, Value};

use super::super::kinds::{ResourceKind, SERVICE_ACCOUNT, Strategy};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE_PLAIN: &str = "$deleteFromPrimitiveList/";

/// The identity of items in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Merge {
    /// By this field.
    By(&'static str),
    /// They are plain values, and each is there once.
    Plain,
}

/// The lists of objects that are merged, by the field that identifies an item.
type Lists = &'static [(&'static str, &'static [&'static str])];

/// The lists of objects that are merged in every kind.
const EVERYWHERE: Lists = &[("uid", &["ownerReferences"])];
/// The lists of a pod that are merged.
const PODS: Lists = &[
    ("containerPort", &["ports"]),
    ("devicePath", &["volumeDevices"]),
    ("ip", &["hostAliases", "hostIPs", "podIPs"]),
    ("mountPath", &["volumeMounts"]),
    ("name", &["containers", "ephemeralContainers", "initContainers"]),
    ("name", &["env", "imagePullSecrets", "resourceClaims", "schedulingGates", "volumes"]),
    ("topologyKey", &["topologySpreadConstraints"]),
    ("type", &["conditions"]),
];
const NAMESPACES: Lists = &[("type", &["conditions"])];
const SERVICE_ACCOUNTS: Lists = &[("name", &["secrets"])];

/// The lists of one kind that are merged, beside those of every kind.
fn lists(kind: &ResourceKind) -> Lists {
    match kind.rules {
        Strategy::Pod => PODS,
        Strategy::Namespace => NAMESPACES,
        _ if kind.name == SERVICE_ACCOUNT => SERVICE_ACCOUNTS,
        _ => &[],
    }
}

/// How a list is merged, if it is.
fn merged_by(lists: Lists, field: &str) -> Option<Merge> {
    if field == "finalizers" {
        return Some(Merge::Plain);
    }
    EVERYWHERE.iter().chain(lists).find(|(_, fields)| fields.contains(&field)).map(|(key, _)| Merge::By(key))
}

/// `object` of `kind` with the patch applied, or why the patch makes no sense.
pub(super) fn merge(kind: &ResourceKind, object: Value, patch: &Value) -> Result<Value, String> {
    let (Value::Object(object), Value::Object(patch)) = (object, patch) else {
        return Err("a strategic merge patch is a JSON object".to_owned());
    };
    Ok(Value::Object(merge_maps(lists(kind), object, patch)?))
}

fn merge_maps(
    lists: Lists,
    mut old: Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    match patch.get(PATCH) {
        None => {}
        Some(directive) if directive == "replace" => return Ok(without_directives(patch)),
        Some(directive) if directive == "delete" => return Ok(Map::new()),
        Some(directive) => return Err(unknown(directive)),
    }
    if let Some(keys) = patch.get(RETAIN_KEYS) {
        retain(&mut old, patch, keys)?;
    }
    for (key, value) in patch.iter().filter(|(key, _)| *key != RETAIN_KEYS && !key.starts_with(ORDER)) {
        if let Some(field) = key.strip_prefix(DELETE_PLAIN) {
            let gone = list(value, key)?;
            if let Some(Value::Array(items)) = old.get_mut(field) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        let merged = match (old.remove(key), value) {
            (_, Value::Null) => continue,
            (Some(Value::Object(old)), Value::Object(value)) => Value::Object(merge_maps(lists, old, value)?),
            (Some(Value::Array(old)), Value::Array(value)) => Value::Array(merge_field(lists, key, old, value)?),
            (_, value) => plain(value),
        };
        old.insert(key.clone(), merged);
    }
    for (key, order) in patch {
        if let Some(field) = key.strip_prefix(ORDER) {
            reorder(lists, &mut old, field, patch.get(field), list(order, key)?)?;
        }
    }
    Ok(old)
}

fn merge_field(lists: Lists, field: &str, old: Vec<Value>, patch: &[Value]) -> Result<Vec<Value>, String> {
    match merged_by(lists, field) {
        None => Ok(patch.iter().map(plain).collect()),
        Some(Merge::Plain) => {
            let added = patch.iter().filter(|item| !old.contains(item)).cloned();
            let merged = old.iter().cloned().chain(added).collect();
            Ok(ordered(Merge::Plain, merged, patch, &old))
        }
        Some(Merge::By(key)) => merge_items(lists, key, old, patch),
    }
}

fn merge_items(lists: Lists, key: &'static str, old: Vec<Value>, patch: &[Value]) -> Result<Vec<Value>, String> {
    let told = |item: &Value| !item[key].is_null() || item[PATCH] == "replace";
    if let Some(odd) = patch.iter().find(|item| !told(item)) {
        return Err(format!("map: {odd} does not contain declared merge key: {key}"));
    }
    let (special, usual): (Vec<&Value>, Vec<&Value>) = patch.iter().partition(|item| item.get(PATCH).is_some());
    if special.iter().any(|item| item[PATCH] == "replace") {
        return Ok(usual.into_iter().map(plain).collect());
    }
    if let Some(odd) = special.iter().find(|item| item[PATCH] != "delete") {
        return Err(unknown(&odd[PATCH]));
    }
    let mut merged: Vec<Value> =
        old.iter().filter(|item| !special.iter().any(|gone| gone[key] == item[key])).cloned().collect();
    for item in &usual {
        match merged.iter_mut().find(|old| old[key] == item[key]) {
            Some(old) => {
                let (Value::Object(map), Value::Object(item)) = (old.take(), item) else { continue };
                *old = Value::Object(merge_maps(lists, map, item)?);
            }
            None => merged.push(plain(item)),
        }
    }
    let usual: Vec<Value> = usual.into_iter().cloned().collect();
    Ok(ordered(Merge::By(key), merged, &usual, &old))
}

/// Puts the items of a list into the order that the patch says they have.
fn reorder(
    lists: Lists,
    object: &mut Map<String, Value>,
    field: &str,
    patch: Option<&Value>,
    order: &[Value],
) -> Result<(), String> {
    let Some(merge) = merged_by(lists, field) else { return Ok(()) };
    let patched = patch.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut positions = patched
        .iter()
        .filter(|item| item.get(PATCH).is_none())
        .map(|item| order.iter().position(|other| is_same(merge, item, other)));
    if positions.try_fold(0, |least, at| at.filter(|at| *at >= least)).is_none() {
        return Err(format!("the order in patch list {field:?} does not match its {ORDER} list"));
    }
    if let Some(Value::Array(items)) = object.get_mut(field) {
        let old = std::mem::take(items);
        *items = ordered(merge, old.clone(), order, &old);
    }
    Ok(())
}

/// The items that `order` has, in that order, and between them the others, as they stood to them in `live`.
fn ordered(merge: Merge, items: Vec<Value>, order: &[Value], live: &[Value]) -> Vec<Value> {
    let place = |list: &[Value], item: &Value| list.iter().position(|other| is_same(merge, item, other));
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| place(order, item).is_some());
    named.sort_by_key(|item| place(order, item));
    others.sort_by_key(|item| place(live, item));
    let mut others = others.into_iter().peekable();
    let mut result = Vec::new();
    for item in named {
        let at = place(live, &item);
        while let Some(other) = others.next_if(|other| at.is_some() && place(live, other).is_some_and(|p| Some(p) < at))
        {
            result.push(other);
        }
        result.push(item);
    }
    result.extend(others);
    result
}

fn is_same(merge: Merge, one: &Value, other: &Value) -> bool {
    match merge {
        Merge::By(key) => one[key] == other[key],
        Merge::Plain => one == other,
    }
}

/// Drops the fields that the patch does not say stay.
fn retain(old: &mut Map<String, Value>, patch: &Map<String, Value>, keys: &Value) -> Result<(), String> {
    let keys = list(keys, RETAIN_KEYS)?;
    let stays = |key: &str| keys.iter().any(|kept| kept == key);
    if let Some(odd) = patch.iter().find(|(key, value)| !key.starts_with('$') && !value.is_null() && !stays(key)) {
        return Err(format!("{RETAIN_KEYS} does not have {:?}, which the patch sets", odd.0));
    }
    old.retain(|key, _| stays(key));
    Ok(())
}

/// The value that a patch sets on a missing field.
fn plain(patch: &Value) -> Value {
    match patch {
        Value::Object(fields) => Value::Object(without_directives(fields)),
        Value::Array(items) => {
            items.iter().filter(|item| item.get(PATCH).is_none_or(|patch| patch != "delete")).map(plain).collect()
        }
        other => other.clone(),
    }
}

fn without_directives(fields: &Map<String, Value>) -> Map<String, Value> {
    let kept = fields.iter().filter(|(key, value)| !key.starts_with('$') && !value.is_null());
    kept.map(|(key, value)| (key.clone(), plain(value))).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a [Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| format!("{key} is not a list"))
}

fn unknown(directive: &Value) -> String {
    format!("unknown patch type {directive} found; it can be \"replace\" or \"delete\"")
}
