//! Routing: parses a request's method, path, query and headers.

use std::borrow::Cow;
use std::str::FromStr;

use http::Method;
use http::request::Parts;
use serde_json::json;

use super::kinds::{ResourceKind, SERVICE_ACCOUNT, Strategy};
use super::log::Verb;
use super::status::{FieldError, StatusError};

/// The target of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// The API group; empty for the core one.
    pub group: &'a str,
    /// The version within the group.
    pub version: &'a str,
    /// The namespace, if the path has one.
    pub namespace: Option<&'a str>,
    /// The resource's plural name.
    pub plural: &'a str,
    /// The object's name, if the path has one.
    pub name: Option<&'a str>,
    /// The subresource, if the path has one.
    pub subresource: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// The target of `path`, if it is the path of a resource.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let mut parts = [""; 9];
        let mut count = 0;
        for part in path.strip_prefix('/')?.split('/') {
            *parts.get_mut(count)? = part;
            count += 1;
        }
        let (group, version, rest) = match &parts[..count] {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", _, "status" | "finalize"] => (None, rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            _ => (None, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, None, None),
            [plural, name] => (*plural, Some(*name), None),
            [plural, name, subresource] => (*plural, Some(*name), Some(*subresource)),
            _ => return None,
        };
        if [Some(plural), name, namespace].contains(&Some("")) {
            return None;
        }
        Some(Self { group, version, namespace, plural, name, subresource })
    }

    /// Whether this addresses objects of `kind`, or a subresource that they have.
    pub(super) fn fits(&self, kind: &ResourceKind) -> bool {
        let namespace_fits = match (self.namespace, self.name) {
            (Some(_), _) => kind.namespaced,
            (None, Some(_)) => !kind.namespaced,
            (None, None) => true,
        };
        kind.plural == self.plural
            && kind.group() == self.group
            && kind.version() == self.version
            && namespace_fits
            && match self.subresource {
                None => true,
                Some("status") => kind.status,
                Some("binding" | "log") => kind.rules == Strategy::Pod,
                Some("token") => kind.name == SERVICE_ACCOUNT,
                Some(_) => false,
            }
    }
}

/// The verb of a method on a target.
pub(super) fn verb(method: &Method, has_name: bool, query: &Query<'_>) -> Option<Verb> {
    Some(match (method, has_name) {
        (&Method::GET, true) => Verb::Get,
        (&Method::GET, false) if query.flag("watch") => Verb::Watch,
        (&Method::GET, false) => Verb::List,
        (&Method::POST, _) => Verb::Create,
        (&Method::PUT, _) => Verb::Update,
        (&Method::PATCH, _) => Verb::Patch,
        (&Method::DELETE, true) => Verb::Delete,
        (&Method::DELETE, false) => Verb::DeleteCollection,
        _ => return None,
    })
}

/// The parameters of a request.
#[derive(Debug, Default)]
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// The parameters in the query of a request.
    pub(super) fn of(parts: &'a Parts) -> Self {
        Self(form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).collect())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    /// A parameter's value, the first if it has more; empty if it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Whether a parameter is set to something that means yes.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.all(name).next().is_some_and(|value| !matches!(value, "false" | "0"))
    }

    /// A parameter that is a number; none if it is not there or empty.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, StatusError> {
        match self.get(name) {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| StatusError::bad_request(format!("invalid {name} {text:?}: not a number"))),
        }
    }

    /// The version that is asked for; none if any will do.
    pub(super) fn version(&self) -> Result<Option<u64>, StatusError> {
        Ok(self.number("resourceVersion")?.filter(|version| *version > 0))
    }

    /// Whether a write is only to be tried.
    pub(super) fn dry_run(&self, verb: Verb) -> Result<bool, StatusError> {
        self.check("dryRun", verb, &["All"])?;
        Ok(self.all("dryRun").next().is_some())
    }

    /// Makes sure that what is to be done about fields that are not known is something that can be done.
    pub(super) fn field_validation(&self, verb: Verb) -> Result<(), StatusError> {
        self.check("fieldValidation", verb, &["", "Ignore", "Strict", "Warn"])
    }

    /// Makes sure that a parameter of a write has no values but these.
    fn check(&self, name: &str, verb: Verb, known: &[&str]) -> Result<(), StatusError> {
        let options = match verb {
            Verb::Create => "CreateOptions",
            Verb::Update => "UpdateOptions",
            Verb::Patch => "PatchOptions",
            _ => "DeleteOptions",
        };
        let Some(odd) = self.all(name).find(|value| !known.contains(value)) else { return Ok(()) };
        let known: Vec<_> = known.iter().map(|value| json!(value)).collect();
        Err(StatusError::invalid_options(options, &FieldError::unsupported(name, &json!(odd), &known)))
    }
}
