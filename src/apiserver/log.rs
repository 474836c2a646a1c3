//! The log of requests: the client, the request, and the result.

use jiff::Timestamp;

/// The verb of a request, as in Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Reads one object.
    Get,
    /// Reads many objects.
    List,
    /// Follows the changes of objects.
    Watch,
    /// Makes an object.
    Create,
    /// Replaces an object.
    Update,
    /// Changes parts of an object.
    Patch,
    /// Removes one object.
    Delete,
    /// Removes many objects.
    DeleteCollection,
}

impl Verb {
    /// The verb as it stands in access rules and audit logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// One request for a resource that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// When it was answered; a watch, when it began.
    pub at: Timestamp,
    /// The client's `User-Agent`; empty if it sent none.
    pub agent: String,
    /// The requested operation.
    pub verb: Verb,
    /// The resource's plural name.
    pub resource: String,
    /// The subresource, if one was addressed.
    pub subresource: Option<String>,
    /// The namespace, if one was addressed.
    pub namespace: Option<String>,
    /// The object's name, if one was addressed by the path.
    pub name: Option<String>,
    /// The HTTP status code of the answer.
    pub code: u16,
}
