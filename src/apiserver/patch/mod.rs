//! Changing parts of an object.

mod strategic;

use std::sync::Arc;

use json_patch::PatchOperation;
use serde_json::Value;

use super::body::BODY_BYTES_MAX;
use super::context::WriteContext;
use super::kinds::ResourceKind;
use super::print::in_version;
use super::status::StatusError;
use super::store::{Object, Store};
use super::write;

const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";

/// Most operations that a JSON patch may have.
const OPERATIONS_MAX: usize = 10_000;

/// A patch that can be carried out.
#[derive(Debug)]
pub(super) enum Patch {
    /// A JSON patch (RFC 6902).
    Json(json_patch::Patch),
    /// A merge patch (RFC 7396).
    Merge(Value),
    /// A strategic merge patch.
    Strategic(Value),
}

impl Patch {
    /// The patch in the body of a request for an object of `kind`.
    pub(super) fn parse(kind: &ResourceKind, content_type: &str, body: &[u8]) -> Result<Self, StatusError> {
        let undecodable = |error: serde_json::Error| StatusError::bad_request(format!("error decoding patch: {error}"));
        match content_type {
            JSON_PATCH => serde_json::from_slice(body).map(Self::Json).map_err(undecodable),
            MERGE_PATCH | STRATEGIC_PATCH => {
                let patch: Value = serde_json::from_slice(body).map_err(undecodable)?;
                if !patch.is_object() {
                    return Err(StatusError::bad_request("error decoding patch: not a JSON object"));
                }
                match content_type {
                    STRATEGIC_PATCH if kind.is_custom() => Err(unsupported(kind)),
                    STRATEGIC_PATCH => Ok(Self::Strategic(patch)),
                    _ => Ok(Self::Merge(patch)),
                }
            }
            _ => Err(unsupported(kind)),
        }
    }

    /// `object` with the patch applied.
    fn applied(&self, kind: &ResourceKind, object: &Value) -> Result<Value, StatusError> {
        let mut patched = object.clone();
        match self {
            Self::Json(patch) => follow(&mut patched, patch)?,
            Self::Merge(patch) => json_patch::merge(&mut patched, patch),
            Self::Strategic(patch) => {
                patched = strategic::merge(kind, patched, patch).map_err(StatusError::bad_request)?;
            }
        }
        if patched.is_object() { Ok(patched) } else { Err(StatusError::patch_rejected()) }
    }
}

/// Carries out the operations of a JSON patch, as long as they make no monster of the object.
fn follow(object: &mut Value, patch: &[PatchOperation]) -> Result<(), StatusError> {
    if patch.len() > OPERATIONS_MAX {
        return Err(StatusError::too_large(OPERATIONS_MAX));
    }
    let mut copied = 0;
    for operation in patch {
        if let PatchOperation::Copy(copy) = operation {
            copied += object.pointer(copy.from.as_str()).map_or(0, |value| value.to_string().len());
            if copied > BODY_BYTES_MAX {
                return Err(StatusError::too_large(BODY_BYTES_MAX));
            }
        }
        json_patch::patch_unsafe(object, std::slice::from_ref(operation)).map_err(|_| StatusError::patch_rejected())?;
    }
    Ok(())
}

fn unsupported(kind: &ResourceKind) -> StatusError {
    let strategic = if kind.is_custom() { "" } else { ", application/strategic-merge-patch+json" };
    StatusError::media_type(&format!("{JSON_PATCH}, {MERGE_PATCH}{strategic}"))
}

/// Applies `patch` to the object that `place` names.
pub(super) fn patch(store: &mut Store, place: &WriteContext<'_>, patch: &Patch) -> Result<Arc<Object>, StatusError> {
    let old = Arc::clone(place.find(store)?);
    let new = patch.applied(place.kind, &in_version(&old, place.kind).value)?;
    write::update(store, place, &old, new)
}
