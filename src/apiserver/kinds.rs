//! The kinds that are served from the start, in two tables.

use super::columns::{self, Column};
use super::schema::Schema;

/// The definition of one kind of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResourceKind {
    /// The kind's name, as in an object's `kind`.
    pub name: &'static str,
    /// The `apiVersion`: `version`, or `group/version`.
    pub api_version: &'static str,
    /// The name in paths.
    pub plural: &'static str,
    /// The name of one object, on command lines; empty if it is the kind's in lower case.
    pub singular: &'static str,
    /// Further names on command lines.
    pub short_names: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Whether the status is written through a subresource of its own.
    pub status: bool,
    /// Whether an update may leave out the version that it was made from.
    pub unconditional_update: bool,
    /// Whether an update of what is not there creates it.
    pub create_on_update: bool,
    /// The strategy of this kind.
    pub rules: Strategy,
    /// Paths that a field selector may name, besides name and namespace.
    pub fields: &'static [&'static str],
    /// The columns of its objects in a table.
    pub columns: &'static [Column],
    /// The schema for validation and defaulting, if a definition has one.
    pub schema: Option<&'static Schema>,
}

/// The defaulting and validation of a kind, and how it is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    /// The rules of every object, and no others.
    Plain,
    /// A custom resource: counts generations, and has no strategic merge.
    Custom,
    /// A Namespace: has a phase, and takes along what lives in it.
    Namespace,
    /// A Pod: defaults, a spec that stays, graceful deletion.
    Pod,
    /// A ConfigMap: keys of bounded size.
    ConfigMap,
    /// A Secret: as a ConfigMap, and `stringData`.
    Secret,
    /// An Event: lives where its object does.
    Event,
    /// A CustomResourceDefinition: what it defines is served as soon as it is there.
    Definition,
}

const PLAIN: ResourceKind = ResourceKind {
    name: "",
    api_version: "v1",
    plural: "",
    singular: "",
    short_names: &[],
    namespaced: true,
    status: false,
    unconditional_update: true,
    create_on_update: false,
    rules: Strategy::Plain,
    fields: &[],
    columns: columns::PLAIN,
    schema: None,
};
const CUSTOM: ResourceKind =
    ResourceKind { namespaced: false, unconditional_update: false, rules: Strategy::Custom, ..PLAIN };
const CLUSTER: ResourceKind = ResourceKind { namespaced: false, api_version: "rbac.authorization.k8s.io/v1", ..PLAIN };
/// Of these, nothing is kept.
const REVIEW: ResourceKind = ResourceKind { namespaced: false, api_version: "authorization.k8s.io/v1", ..PLAIN };
const MACHINE_CONFIGURATION: &str = "machineconfiguration.openshift.io/v1";

/// The group of the kinds that say who may do what.
pub(super) const RBAC: &str = "rbac.authorization.k8s.io";
/// The kind whose serving can be turned off.
pub(super) const BUILD: &str = "Build";
/// The kind that has tokens.
pub(super) const SERVICE_ACCOUNT: &str = "ServiceAccount";
/// Where the Namespaces are in [`KINDS`], and in whatever is made from it.
pub(super) const NAMESPACES: usize = 0;
/// Where the CustomResourceDefinitions are in [`KINDS`], likewise.
pub(super) const DEFINITIONS: usize = 11;

/// The kinds that every API server has. A further kind is a further entry.
pub(super) static KINDS: [ResourceKind; 16] = [
    ResourceKind {
        name: "Namespace",
        plural: "namespaces",
        short_names: &["ns"],
        columns: columns::NAMESPACES,
        namespaced: false,
        status: true,
        rules: Strategy::Namespace,
        fields: &["status.phase"],
        ..PLAIN
    },
    ResourceKind {
        name: "Pod",
        plural: "pods",
        short_names: &["po"],
        columns: columns::PODS,
        status: true,
        rules: Strategy::Pod,
        fields: &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.nominatedNodeName",
            "status.phase",
            "status.podIP",
        ],
        ..PLAIN
    },
    ResourceKind {
        name: "ConfigMap",
        plural: "configmaps",
        short_names: &["cm"],
        rules: Strategy::ConfigMap,
        columns: columns::CONFIG_MAPS,
        ..PLAIN
    },
    ResourceKind {
        name: "Secret",
        plural: "secrets",
        rules: Strategy::Secret,
        fields: &["type"],
        columns: columns::SECRETS,
        ..PLAIN
    },
    ResourceKind {
        name: "Event",
        plural: "events",
        short_names: &["ev"],
        columns: columns::EVENTS,
        create_on_update: true,
        rules: Strategy::Event,
        fields: &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "type",
        ],
        ..PLAIN
    },
    ResourceKind {
        name: SERVICE_ACCOUNT,
        plural: "serviceaccounts",
        short_names: &["sa"],
        columns: columns::SERVICE_ACCOUNTS,
        ..PLAIN
    },
    ResourceKind {
        name: "Lease",
        api_version: "coordination.k8s.io/v1",
        plural: "leases",
        columns: columns::LEASES,
        unconditional_update: false,
        create_on_update: true,
        ..PLAIN
    },
    ResourceKind { name: "Role", plural: "roles", namespaced: true, columns: columns::CREATED_AT, ..CLUSTER },
    ResourceKind {
        name: "RoleBinding",
        plural: "rolebindings",
        namespaced: true,
        columns: columns::BINDINGS,
        ..CLUSTER
    },
    ResourceKind { name: "ClusterRole", plural: "clusterroles", columns: columns::CREATED_AT, ..CLUSTER },
    ResourceKind { name: "ClusterRoleBinding", plural: "clusterrolebindings", columns: columns::BINDINGS, ..CLUSTER },
    ResourceKind {
        name: "CustomResourceDefinition",
        api_version: "apiextensions.k8s.io/v1",
        plural: "customresourcedefinitions",
        short_names: &["crd", "crds"],
        namespaced: false,
        status: true,
        rules: Strategy::Definition,
        columns: columns::CREATED_AT,
        ..PLAIN
    },
    ResourceKind {
        name: "SelfSubjectReview",
        api_version: "authentication.k8s.io/v1",
        plural: "selfsubjectreviews",
        ..REVIEW
    },
    ResourceKind { name: "SelfSubjectAccessReview", plural: "selfsubjectaccessreviews", ..REVIEW },
    ResourceKind { name: "SelfSubjectRulesReview", plural: "selfsubjectrulesreviews", ..REVIEW },
    ResourceKind { name: "SubjectAccessReview", plural: "subjectaccessreviews", ..REVIEW },
];

/// The kinds that a CustomResourceDefinition defines, which is there from the start.
pub(super) static DEFINED: [ResourceKind; 3] = [
    ResourceKind {
        name: "MachineConfigPool",
        api_version: MACHINE_CONFIGURATION,
        plural: "machineconfigpools",
        short_names: &["mcp"],
        columns: columns::MACHINE_CONFIG_POOLS,
        status: true,
        ..CUSTOM
    },
    ResourceKind {
        name: "MachineConfig",
        api_version: MACHINE_CONFIGURATION,
        plural: "machineconfigs",
        short_names: &["mc"],
        columns: columns::MACHINE_CONFIGS,
        ..CUSTOM
    },
    ResourceKind {
        name: BUILD,
        api_version: "build.openshift.io/v1",
        plural: "builds",
        namespaced: true,
        columns: columns::BUILDS,
        ..CUSTOM
    },
];

/// Where the kind of this name is in [`KINDS`].
pub(super) fn position(name: &str) -> Option<usize> {
    KINDS.iter().position(|kind| kind.name == name)
}

impl ResourceKind {
    /// The API group; empty for the core one.
    pub(super) fn group(&self) -> &'static str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The version within the group.
    pub(super) fn version(&self) -> &'static str {
        self.api_version.split_once('/').map_or(self.api_version, |(_, version)| version)
    }

    /// The name of one object, on command lines.
    pub(super) fn singular(&self) -> String {
        if self.singular.is_empty() { self.name.to_lowercase() } else { self.singular.to_owned() }
    }

    /// Whether this and `other` are versions of one kind, whose objects are the same.
    pub(super) fn is_same_resource(&self, other: &Self) -> bool {
        (self.group(), self.plural) == (other.group(), other.plural)
    }

    /// `name` with the group behind it, as error texts have it.
    pub(super) fn qualified(&self, name: &str) -> String {
        match self.group() {
            "" => name.to_owned(),
            group => format!("{name}.{group}"),
        }
    }

    /// Whether this is a custom resource.
    pub(super) fn is_custom(&self) -> bool {
        self.rules == Strategy::Custom
    }
}
