//! Authorization: RBAC, by the stored Roles and bindings.
//!
//! Rules only ever allow. Unlike in a cluster, a client may write a rule that allows more than the client itself may
//! do.

use serde_json::Value;

use super::attributes::Attributes;
use super::kinds::RBAC;
use super::meta::{items, metadata, text};
use super::rules;
use super::state::Inner;
use super::status::StatusError;
use super::store::{Key, Store};
use super::user::User;

/// Whether something is allowed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    /// Whether it is.
    pub is_allowed: bool,
    /// The binding that allows it, or what was amiss with those that might have; empty if there is nothing to say.
    pub reason: String,
}

/// Refuses what `user` may not do.
pub(super) fn authorize(server: &Inner, user: &User, attributes: &Attributes<'_>) -> Result<(), StatusError> {
    if user.is_master() {
        return Ok(());
    }
    let decision = decide(&server.store(), user, attributes);
    if decision.is_allowed { Ok(()) } else { Err(attributes.refusal(user, &decision.reason)) }
}

/// Whether `user` may do this.
pub(super) fn decide(store: &Store, user: &User, attributes: &Attributes<'_>) -> Decision {
    if user.is_master() {
        return Decision { is_allowed: true, reason: String::new() };
    }
    let held = held(store, user, attributes.namespace);
    let found = held.grants.iter().find(|grant| rules::allows(grant.rule, attributes));
    let reason = match (found, &held.faults[..]) {
        (Some(grant), _) => format!("RBAC: allowed by {}", grant.by),
        (None, []) => String::new(),
        (None, [fault]) => format!("RBAC: {fault}"),
        (None, faults) => format!("RBAC: [{}]", faults.join(", ")),
    };
    Decision { is_allowed: found.is_some(), reason }
}

/// A rule that holds for a user.
pub(super) struct Grant<'s> {
    /// The rule.
    pub rule: &'s Value,
    /// The binding that makes it hold.
    by: String,
}

/// The rules that hold for a user in a namespace.
#[derive(Default)]
pub(super) struct Held<'s> {
    /// The rules.
    pub grants: Vec<Grant<'s>>,
    /// Errors in bindings.
    faults: Vec<String>,
}

/// The rules that hold for `user` in `namespace`, or at the cluster scope if that is empty.
pub(super) fn held<'s>(store: &'s Store, user: &User, namespace: &str) -> Held<'s> {
    let mut held = Held::default();
    for binding in objects(store, "ClusterRoleBinding", "") {
        held.add(store, binding, "", user);
    }
    for binding in objects(store, "RoleBinding", namespace).filter(|_| !namespace.is_empty()) {
        held.add(store, binding, namespace, user);
    }
    held
}

impl<'s> Held<'s> {
    /// Adds what a binding in `namespace` gives `user`.
    fn add(&mut self, store: &'s Store, binding: &Value, namespace: &str, user: &User) {
        let mut subjects = items(binding, "subjects").iter();
        let Some(subject) = subjects.find(|subject| rules::is_about(subject, user, namespace)) else { return };
        let (kind, name) = (text(&binding["roleRef"], "kind"), text(&binding["roleRef"], "name"));
        let place = if kind == "Role" { namespace } else { "" };
        let Some(role) = objects(store, kind, place).find(|role| metadata(role, "name") == name) else {
            return self.faults.push(format!("{}.{RBAC} {name:?} not found", kind.to_lowercase()));
        };
        let (own, of) = (metadata(binding, "name"), rules::describe(subject, namespace));
        let by = match namespace {
            "" => format!("ClusterRoleBinding {own:?} of {kind} {name:?} to {of}"),
            namespace => format!("RoleBinding {:?} of {kind} {name:?} to {of}", format!("{own}/{namespace}")),
        };
        self.grants.extend(items(role, "rules").iter().map(|rule| Grant { rule, by: by.clone() }));
    }
}

/// The objects of a kind of this group in a namespace.
fn objects<'s>(store: &'s Store, kind: &str, namespace: &str) -> impl Iterator<Item = &'s Value> {
    let collection = store.collections.iter().find(|c| c.kind.group() == RBAC && c.kind.name == kind);
    let first = Key::new(namespace, "");
    let objects = collection.into_iter().flat_map(move |collection| collection.objects.range(first.clone()..));
    let namespace = namespace.to_owned();
    objects.take_while(move |(key, _)| key.namespace == namespace).map(|(_, object)| &object.value)
}
