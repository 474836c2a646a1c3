//! The kinds that are served from the start, in two tables.

use super::columns::{self, Column};
use super::schema::Schema;

/// The definition of one kind of objects.
#[derive(Debug, Clone)]
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
const RBAC_V1: &str = "rbac.authorization.k8s.io/v1";
const AUTHORIZATION_V1: &str = "authorization.k8s.io/v1";
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

/// A namespaced kind of the core API version that is stored by no rules but those of every object.
const fn plain(
    name: &'static str,
    plural: &'static str,
    short_names: &'static [&'static str],
    columns: &'static [Column],
) -> ResourceKind {
    ResourceKind { name, plural, short_names, columns, ..PLAIN }
}

/// A kind of the whole cluster, in an API version of its own.
const fn cluster(
    api_version: &'static str,
    name: &'static str,
    plural: &'static str,
    columns: &'static [Column],
) -> ResourceKind {
    ResourceKind { api_version, namespaced: false, ..plain(name, plural, &[], columns) }
}

/// The kinds that every API server has. A further kind is a further entry.
pub(super) static KINDS: [ResourceKind; 16] = [
    ResourceKind {
        namespaced: false,
        status: true,
        rules: Strategy::Namespace,
        fields: &["status.phase"],
        ..plain("Namespace", "namespaces", &["ns"], columns::NAMESPACES)
    },
    ResourceKind {
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
        ..plain("Pod", "pods", &["po"], columns::PODS)
    },
    ResourceKind { rules: Strategy::ConfigMap, ..plain("ConfigMap", "configmaps", &["cm"], columns::CONFIG_MAPS) },
    ResourceKind { rules: Strategy::Secret, fields: &["type"], ..plain("Secret", "secrets", &[], columns::SECRETS) },
    ResourceKind {
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
        ..plain("Event", "events", &["ev"], columns::EVENTS)
    },
    plain(SERVICE_ACCOUNT, "serviceaccounts", &["sa"], columns::SERVICE_ACCOUNTS),
    ResourceKind {
        api_version: "coordination.k8s.io/v1",
        unconditional_update: false,
        create_on_update: true,
        ..plain("Lease", "leases", &[], columns::LEASES)
    },
    ResourceKind { namespaced: true, ..cluster(RBAC_V1, "Role", "roles", columns::CREATED_AT) },
    ResourceKind { namespaced: true, ..cluster(RBAC_V1, "RoleBinding", "rolebindings", columns::BINDINGS) },
    cluster(RBAC_V1, "ClusterRole", "clusterroles", columns::CREATED_AT),
    cluster(RBAC_V1, "ClusterRoleBinding", "clusterrolebindings", columns::BINDINGS),
    ResourceKind {
        short_names: &["crd", "crds"],
        status: true,
        rules: Strategy::Definition,
        ..cluster(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "customresourcedefinitions",
            columns::CREATED_AT,
        )
    },
    // Of reviews, nothing is kept.
    cluster("authentication.k8s.io/v1", "SelfSubjectReview", "selfsubjectreviews", columns::PLAIN),
    cluster(AUTHORIZATION_V1, "SelfSubjectAccessReview", "selfsubjectaccessreviews", columns::PLAIN),
    cluster(AUTHORIZATION_V1, "SelfSubjectRulesReview", "selfsubjectrulesreviews", columns::PLAIN),
    cluster(AUTHORIZATION_V1, "SubjectAccessReview", "subjectaccessreviews", columns::PLAIN),
];

/// A custom resource of the whole cluster.
const fn custom(
    api_version: &'static str,
    name: &'static str,
    plural: &'static str,
    columns: &'static [Column],
) -> ResourceKind {
    let kind = cluster(api_version, name, plural, columns);
    ResourceKind { unconditional_update: false, rules: Strategy::Custom, ..kind }
}

/// The kinds that a CustomResourceDefinition defines, which is there from the start.
pub(super) static DEFINED: [ResourceKind; 3] = [
    ResourceKind {
        short_names: &["mcp"],
        status: true,
        ..custom(MACHINE_CONFIGURATION, "MachineConfigPool", "machineconfigpools", columns::MACHINE_CONFIG_POOLS)
    },
    ResourceKind {
        short_names: &["mc"],
        ..custom(MACHINE_CONFIGURATION, "MachineConfig", "machineconfigs", columns::MACHINE_CONFIGS)
    },
    ResourceKind { namespaced: true, ..custom("build.openshift.io/v1", BUILD, "builds", columns::BUILDS) },
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
