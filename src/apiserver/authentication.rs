//! Authentication: the identity of a client, and impersonation.
//!
//! A client on the network proves its identity with a bearer token, the administrator's or a ServiceAccount's;
//! anonymous requests are refused. A client in this process needs no proof: it acts as the [`User`] in its request's
//! extensions, or else as the administrator.

use http::HeaderMap;
use http::request::Parts;

use super::attributes::Attributes;
use super::authorization::authorize;
use super::route::{Query, Target};
use super::state::Inner;
use super::status::StatusError;
use super::user::{AUTHENTICATED, SERVICE_ACCOUNT, User};

/// The user as whom a request is sent, who may do what it asks for.
pub(super) fn admit(
    server: &Inner,
    parts: &Parts,
    target: Option<&Target<'_>>,
    query: &Query<'_>,
) -> Result<User, StatusError> {
    let user = acting(server, parts)?;
    authorize(server, &user, &Attributes::of(parts, target, query))?;
    Ok(user)
}

/// The user as whom a request acts: its own, or another one as whom it may act.
fn acting(server: &Inner, parts: &Parts) -> Result<User, StatusError> {
    let user = parts.extensions.get::<User>().cloned().unwrap_or_else(User::admin);
    let name = header(&parts.headers, "impersonate-user");
    let groups: Vec<&str> = all(&parts.headers, "impersonate-group").collect();
    let uid = header(&parts.headers, "impersonate-uid");
    if name.is_empty() {
        return match groups.is_empty() && uid.is_empty() {
            true => Ok(user),
            false => Err(StatusError::bad_request("a group or a UID is impersonated without a user")),
        };
    }
    let account = name.strip_prefix(SERVICE_ACCOUNT).and_then(|account| account.split_once(':'));
    let may = |resource: &str, group: &str, namespace: &str, name: &str| {
        let attributes = Attributes { verb: "impersonate", group, resource, namespace, name, ..Attributes::default() };
        authorize(server, &user, &attributes)
    };
    match account {
        Some((namespace, name)) => may("serviceaccounts", "", namespace, name)?,
        None => may("users", "", "", name)?,
    }
    for group in &groups {
        may("groups", "", "", group)?;
    }
    if !uid.is_empty() {
        may("uids", "authentication.k8s.io", "", uid)?;
    }
    let mut other = match account {
        Some((namespace, name)) if groups.is_empty() => User::service_account(namespace, name),
        _ => User { name: name.to_owned(), groups: groups.into_iter().map(str::to_owned).collect(), ..User::default() },
    };
    uid.clone_into(&mut other.uid);
    if !other.groups.iter().any(|group| group == AUTHENTICATED) {
        other.groups.push(AUTHENTICATED.to_owned());
    }
    Ok(other)
}

fn all<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    all(headers, name).next().unwrap_or_default()
}
