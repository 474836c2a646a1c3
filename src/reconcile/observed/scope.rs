//! The scopes and the events of watches.

use std::fmt;
use std::sync::Arc;

use crate::api::{Key, Kind, Object};

/// What one watch covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The kind that is watched.
    pub kind: Kind,
    /// The one object that is watched; `None` for all that are not watched by name.
    pub name: Option<String>,
}

impl Scope {
    /// All objects of a kind.
    pub const fn all(kind: Kind) -> Self {
        Self { kind, name: None }
    }

    /// One object.
    pub fn named(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: Some(name.into()) }
    }

    /// Whether this watch covers the object of `key`.
    pub fn covers(&self, key: &Key) -> bool {
        self.kind == key.kind
            && match &self.name {
                Some(name) => *name == key.name,
                // The ConfigMaps that users write are watched by name, with their contents.
                None => !key.is_input_config_map(),
            }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} {name}", self.kind.name()),
            None => write!(f, "{}s", self.kind.name()),
        }
    }
}

/// What a watch has to tell.
#[derive(Clone)]
pub enum WatchEvent {
    /// A list is about to be made: what is written from here on may be missing from it.
    Listing(Scope),
    /// The cluster does not serve objects of this kind: there are none.
    NotServed(Scope),
    /// What there is cannot be known, for this reason.
    Unreachable(Scope, Arc<str>),
    /// The cluster is as it was before: it was restored from a backup. What is known may be of a time that is not any
    /// more.
    Rewound(Scope),
    /// All the objects that there are; others are gone.
    Listed(Scope, Vec<Arc<Object>>),
    /// An object was created or changed.
    Applied(Scope, Arc<Object>),
    /// An object was deleted.
    Deleted(Scope, Arc<Object>),
}

impl WatchEvent {
    /// What the watch covers.
    pub const fn scope(&self) -> &Scope {
        match self {
            Self::Listing(scope)
            | Self::NotServed(scope)
            | Self::Unreachable(scope, _)
            | Self::Rewound(scope)
            | Self::Listed(scope, _)
            | Self::Applied(scope, _)
            | Self::Deleted(scope, _) => scope,
        }
    }
}

/// Nothing of the objects but how many: some are Secrets.
impl fmt::Debug for WatchEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listing(scope) => write!(f, "listing {scope:?}"),
            Self::NotServed(scope) => write!(f, "not served: {scope:?}"),
            Self::Unreachable(scope, why) => write!(f, "out of reach: {scope:?}: {why}"),
            Self::Rewound(scope) => write!(f, "rewound: {scope:?}"),
            Self::Listed(scope, objects) => write!(f, "listed {} of {scope:?}", objects.len()),
            Self::Applied(scope, object) => write!(f, "applied {:?} of {scope:?}", object.metadata.name),
            Self::Deleted(scope, object) => write!(f, "deleted {:?} of {scope:?}", object.metadata.name),
        }
    }
}
