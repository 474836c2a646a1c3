//! Authorization: RBAC, by the stored Roles and bindings.
//!
//! Rules only ever allow. Unlike in a cluster, a client may write a rule that allows more than the client itself may
//! do.

use http::Method;
use http::request::Parts;
use serde_json::Value;

use super::authentication::{self, User};
use super::kinds::RBAC;
use super::log::Verb;
use super::meta::{metadata, text};
use super::route::{Query, Target};
use super::status::StatusError;
use super::store::{Key, Store};
use super::{Inner, rules};

/// The attributes of a request, as rules match them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// The verb.
    pub verb: &'a str,
    /// The API group; empty for the core one.
    pub group: &'a str,
    /// The resource's plural name; empty for a path that is no resource's.
    pub resource: &'a str,
    /// The subresource; empty for the object itself.
    pub subresource: &'a str,
    /// The namespace; empty for all of them, and for what lives in none.
    pub namespace: &'a str,
    /// The object's name; empty if the request does not say.
    pub name: &'a str,
    /// The path, where that is no resource's.
    pub path: &'a str,
}

impl<'a> Attributes<'a> {
    /// The target of a request.
    pub fn of(parts: &'a Parts, target: Option<&Target<'a>>, query: &'a Query<'_>) -> Self {
        let Some(target) = target else {
            return Self { verb: path_verb(&parts.method), path: parts.uri.path(), ..Self::default() };
        };
        let verb = super::route::verb(&parts.method, target.name.is_some(), query);
        let name = match (target.name, verb) {
            (None, Some(Verb::List | Verb::Watch)) => selected_name(query.get("fieldSelector")),
            (name, _) => name.unwrap_or_default(),
        };
        // A namespace is in itself.
        let own = target.name.filter(|_| (target.group, target.plural) == ("", "namespaces"));
        Self {
            verb: verb.map_or("", Verb::as_str),
            group: target.group,
            resource: target.plural,
            subresource: target.subresource.unwrap_or_default(),
            namespace: target.namespace.or(own).unwrap_or_default(),
            name,
            path: "",
        }
    }

    /// The failure of a request that no rule allows.
    fn refusal(&self, user: &User, why: &str) -> StatusError {
        let Self { verb, group, resource, subresource, namespace, name, path } = self;
        let user = &user.name;
        let mut message = if resource.is_empty() {
            format!("User {user:?} cannot {verb} path {path:?}")
        } else {
            let slash = if subresource.is_empty() { "" } else { "/" };
            let place = if namespace.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace {namespace:?}")
            };
            let resource = format!("{resource}{slash}{subresource}");
            format!("User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}")
        };
        if !why.is_empty() {
            message = format!("{message}: {why}");
        }
        tracing::warn!("denied: {message}");
        StatusError::denied(group, resource, name, &message)
    }
}

fn path_verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::HEAD => "head",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        Method::OPTIONS => "options",
        _ => "",
    }
}

/// The only name that a field selector lets pass; empty if there is no such one.
fn selected_name(selector: &str) -> &str {
    let exact = selector.split(',').find_map(|part| part.strip_prefix("metadata.name="));
    let name = exact.map(|name| name.strip_prefix('=').unwrap_or(name)).unwrap_or_default();
    if matches!(name, "." | "..") || name.contains(['/', '%']) { "" } else { name }
}

/// Whether something is allowed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is.
    pub is_allowed: bool,
    /// The binding that allows it, or what was amiss with those that might have; empty if there is nothing to say.
    pub reason: String,
}

/// The user as whom a request is sent, who may do what it asks for.
pub fn admit(
    server: &Inner,
    parts: &Parts,
    target: Option<&Target<'_>>,
    query: &Query<'_>,
) -> Result<User, StatusError> {
    let user = authentication::acting(server, parts)?;
    authorize(server, &user, &Attributes::of(parts, target, query))?;
    Ok(user)
}

/// Refuses what `user` may not do.
pub fn authorize(server: &Inner, user: &User, attributes: &Attributes<'_>) -> Result<(), StatusError> {
    if user.is_master() {
        return Ok(());
    }
    let decision = decide(&server.store(), user, attributes);
    if decision.is_allowed { Ok(()) } else { Err(attributes.refusal(user, &decision.reason)) }
}

/// Whether `user` may do this.
pub fn decide(store: &Store, user: &User, attributes: &Attributes<'_>) -> Decision {
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
pub struct Grant<'s> {
    /// The rule.
    pub rule: &'s Value,
    /// The binding that makes it hold.
    by: String,
}

/// The rules that hold for a user in a namespace.
#[derive(Default)]
pub struct Held<'s> {
    /// The rules.
    pub grants: Vec<Grant<'s>>,
    /// Errors in bindings.
    faults: Vec<String>,
}

/// The rules that hold for `user` in `namespace`, or at the cluster scope if that is empty.
pub fn held<'s>(store: &'s Store, user: &User, namespace: &str) -> Held<'s> {
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
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        let Some(subject) = subjects.into_iter().find(|subject| rules::is_about(subject, user, namespace)) else {
            return;
        };
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
        let rules = role["rules"].as_array().into_iter().flatten();
        self.grants.extend(rules.map(|rule| Grant { rule, by: by.clone() }));
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
