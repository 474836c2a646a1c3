//! Users, as bindings name them.

/// The group whose members may do everything, whatever the rules say.
pub(super) const MASTERS: &str = "system:masters";
/// The group of all authenticated users.
pub(super) const AUTHENTICATED: &str = "system:authenticated";
/// The prefix of the user names of ServiceAccounts; their namespace and name follow.
pub(super) const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

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
