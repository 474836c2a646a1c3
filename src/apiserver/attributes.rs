//! The attributes of a request, as rules match them.

use http::Method;
use http::request::Parts;

use super::log::Verb;
use super::route::{self, Query, Target};
use super::status::StatusError;
use super::user::User;

/// The attributes of a request, as rules match them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Attributes<'a> {
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
    pub(super) fn of(parts: &'a Parts, target: Option<&Target<'a>>, query: &'a Query<'_>) -> Self {
        let Some(target) = target else {
            return Self { verb: path_verb(&parts.method), path: parts.uri.path(), ..Self::default() };
        };
        let verb = route::verb(&parts.method, target.name.is_some(), query);
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
    pub(super) fn refusal(&self, user: &User, why: &str) -> StatusError {
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
