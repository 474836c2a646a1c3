//! Objects as they are sent: in the version and the form that a client asks for.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::columns::Column;
use super::kinds::ResourceKind;
use super::negotiate::Shape;
use super::route::Query;
use super::status::{FieldError, StatusError};
use super::store::{Form, Object};
use crate::clock::Clock;

/// How much of an object goes with its row in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Include {
    Nothing,
    Metadata,
    Object,
}

/// Prints the objects of one kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    /// The kind, in the version that the client asked for.
    pub kind: &'static ResourceKind,
    shape: Shape,
    include: Include,
    clock: Clock,
}

impl Printer {
    /// A printer of objects of `kind` in `shape`, as a query wants it.
    pub(super) fn new(
        kind: &'static ResourceKind,
        shape: Shape,
        query: &Query<'_>,
        clock: Clock,
    ) -> Result<Self, StatusError> {
        let include = match query.get("includeObject") {
            "" | "Metadata" => Include::Metadata,
            "None" => Include::Nothing,
            "Object" => Include::Object,
            other => {
                let cause = FieldError::invalid("includeObject", &json!(other), "must be None, Metadata or Object");
                return Err(StatusError::invalid_options("TableOptions", &cause));
            }
        };
        Ok(Self { kind, shape, include, clock })
    }

    /// One object.
    pub(super) fn object(&self, object: &Arc<Object>) -> Bytes {
        let object = in_version(object, self.kind);
        match self.shape {
            Shape::Full => object.json(Form::Full),
            Shape::Metadata => object.json(Form::Metadata),
            Shape::Table => {
                let metadata = json!({"resourceVersion": object.value["metadata"]["resourceVersion"]});
                self.table(&metadata, std::slice::from_ref(&object)).to_string().into()
            }
        }
    }

    /// A list with this metadata.
    pub(super) fn list(&self, metadata: &Value, items: &[Arc<Object>]) -> Bytes {
        let form = match (self.shape, self.kind.is_custom()) {
            (Shape::Table, _) => return self.table(metadata, items).to_string().into(),
            (Shape::Metadata, _) => Form::Metadata,
            (Shape::Full, true) => Form::Full,
            (Shape::Full, false) => Form::Item,
        };
        let (name, api_version) = self.types();
        let head = format!(r#"{{"kind":"{name}List","apiVersion":"{api_version}","metadata":{metadata},"items":["#);
        let mut json = head.into_bytes();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            json.extend_from_slice(&in_version(item, self.kind).json(form));
        }
        json.extend_from_slice(b"]}");
        json.into()
    }

    /// An object with nothing but this metadata.
    pub(super) fn bookmark(&self, metadata: &Value) -> Value {
        if self.shape == Shape::Table {
            return self.table(metadata, &[]);
        }
        let (kind, api_version) = self.types();
        json!({"kind": kind, "apiVersion": api_version, "metadata": metadata})
    }

    fn types(&self) -> (&'static str, &'static str) {
        match self.shape {
            Shape::Metadata => ("PartialObjectMetadata", "meta.k8s.io/v1"),
            Shape::Full | Shape::Table => (self.kind.name, self.kind.api_version),
        }
    }

    fn table(&self, metadata: &Value, objects: &[Arc<Object>]) -> Value {
        let definitions: Vec<Value> = self.kind.columns.iter().map(Column::definition).collect();
        let rows: Vec<Value> = objects.iter().map(|object| self.row(object)).collect();
        json!({
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "columnDefinitions": definitions, "rows": rows,
        })
    }

    fn row(&self, object: &Arc<Object>) -> Value {
        let now = self.clock.now();
        let cells: Vec<Value> = self.kind.columns.iter().map(|column| column.cell(&object.value, now)).collect();
        let mut row = Map::from_iter([("cells".to_owned(), cells.into())]);
        let shown = match self.include {
            Include::Nothing => return row.into(),
            Include::Metadata => object.partial(),
            Include::Object => in_version(object, self.kind).value.clone(),
        };
        row.insert("object".to_owned(), shown);
        row.into()
    }
}

/// The object in the version of `kind`, whatever version it was written in: the versions differ in nothing but what
/// their schemas keep and fill in.
pub(super) fn in_version(object: &Arc<Object>, kind: &ResourceKind) -> Arc<Object> {
    if object.value["apiVersion"] == kind.api_version && kind.schema.is_none() {
        return Arc::clone(object);
    }
    let mut value = object.value.clone();
    value["apiVersion"] = kind.api_version.into();
    if let Some(schema) = kind.schema {
        schema.complete(&mut value);
    }
    if value == object.value { Arc::clone(object) } else { Object::new(value) }
}
