//! Authentication: the identity of a client, and impersonation.
//!
//! A client on the network proves its identity with a bearer token, the administrator's or a ServiceAccount's;
//! anonymous requests are refused. A client in this process needs no proof: it acts as the [`User`] in its request's
//! extensions, or else as the administrator.

use http::HeaderMap;
use http::request::Parts;

use super::Inner;
use super::authorization::{self, Attributes};
use super::status::StatusError;

/// The group whose members may do everything, whatever the rules say.
const MASTERS: &str = "system:masters";
/// The group of all authenticated users.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The prefix of the user names of ServiceAccounts; their namespace and name follow.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// The user that sends a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// The name, as bindings have it.
    pub name: String,
    /// Distinguishes users that had the same name at different times; empty if the user has none.
    pub uid: String,
    /// The groups that the user is in.
    pub groups: Vec<String>,
}

impl User {
    /// The administrator, who may do everything.
    pub fn admin() -> Self {
        let groups = [MASTERS, AUTHENTICATED].map(str::to_owned).into();
        Self { name: "kubernetes-admin".to_owned(), uid: String::new(), groups }
    }

    /// A ServiceAccount.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let of_namespace = format!("system:serviceaccounts:{namespace}");
        let groups = vec!["system:serviceaccounts".to_owned(), of_namespace, AUTHENTICATED.to_owned()];
        Self { name: format!("{SERVICE_ACCOUNT}{namespace}:{name}"), uid: String::new(), groups }
    }

    /// Whether no rule has to allow what this user does.
    pub fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }
}

/// The user as whom a request acts: its own, or another one as whom it may act.
pub fn acting(server: &Inner, parts: &Parts) -> Result<User, StatusError> {
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
        authorization::authorize(server, &user, &attributes)
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
