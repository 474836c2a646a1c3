//! A stored object, and its serialized forms.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Value, json};

/// The forms that an object is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// All of it.
    Full,
    /// All of it, less `kind` and `apiVersion`: an item of a list of a built-in kind.
    Item,
    /// Only the metadata, as a `PartialObjectMetadata`.
    Metadata,
}

/// One version of an object. Each form is serialised once, when it is first asked for.
#[derive(Debug)]
pub(super) struct Object {
    /// The object.
    pub value: Value,
    forms: [OnceLock<Bytes>; 3],
}

impl Object {
    /// An object of this content.
    pub(super) fn new(value: Value) -> Arc<Self> {
        Arc::new(Self { value, forms: Default::default() })
    }

    /// The object as JSON.
    pub(super) fn json(&self, form: Form) -> Bytes {
        self.forms[form as usize].get_or_init(|| self.serialise(form).into()).clone()
    }

    /// Only the metadata, as a `PartialObjectMetadata`.
    pub(super) fn partial(&self) -> Value {
        json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": self.value["metadata"]})
    }

    /// In no more bytes than it takes: it is kept for as long as the object is.
    fn serialise(&self, form: Form) -> Box<[u8]> {
        let json = match form {
            Form::Full => serde_json::to_vec(&self.value),
            Form::Item => {
                let fields = self.value.as_object().into_iter().flatten();
                let fields: BTreeMap<_, _> = fields.filter(|(key, _)| *key != "kind" && *key != "apiVersion").collect();
                serde_json::to_vec(&fields)
            }
            Form::Metadata => serde_json::to_vec(&self.partial()),
        };
        json.unwrap_or_default().into()
    }
}
