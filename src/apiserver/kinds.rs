//! The kinds that are served, in one table.

/// What an API server knows of one kind of objects.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The kind's name, as in an object's `kind`.
    pub name: &'static str,
    /// The `apiVersion`: `version`, or `group/version`.
    pub api_version: &'static str,
    /// The name in paths.
    pub plural: &'static str,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Whether the status is written through a subresource of its own.
    pub status: bool,
    /// Whether an update may leave out the version that it was made from.
    pub unconditional_update: bool,
    /// Whether an update of what is not there creates it.
    pub create_on_update: bool,
    /// What else holds for objects of this kind.
    pub rules: Rules,
    /// Paths that a field selector may name, besides name and namespace.
    pub fields: &'static [&'static str],
}

/// The defaulting and validation of a kind, and how it is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// What holds for every object, and no more.
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
}

const PLAIN: Kind = Kind {
    name: "",
    api_version: "v1",
    plural: "",
    namespaced: true,
    status: false,
    unconditional_update: true,
    create_on_update: false,
    rules: Rules::Plain,
    fields: &[],
};
const CUSTOM: Kind = Kind { namespaced: false, unconditional_update: false, rules: Rules::Custom, ..PLAIN };
const MACHINE_CONFIGURATION: &str = "machineconfiguration.openshift.io/v1";

/// The kind whose serving can be turned off.
pub const BUILD: &str = "Build";
/// Where the Namespaces are in [`KINDS`], and in whatever is made from it.
pub const NAMESPACES: usize = 0;

/// Every kind. A further kind is a further entry.
pub static KINDS: [Kind; 10] = [
    Kind {
        name: "Namespace",
        plural: "namespaces",
        namespaced: false,
        status: true,
        rules: Rules::Namespace,
        fields: &["status.phase"],
        ..PLAIN
    },
    Kind {
        name: "Pod",
        plural: "pods",
        status: true,
        rules: Rules::Pod,
        fields: &["spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"],
        ..PLAIN
    },
    Kind { name: "ConfigMap", plural: "configmaps", rules: Rules::ConfigMap, ..PLAIN },
    Kind { name: "Secret", plural: "secrets", rules: Rules::Secret, fields: &["type"], ..PLAIN },
    Kind {
        name: "Event",
        plural: "events",
        create_on_update: true,
        rules: Rules::Event,
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
    Kind { name: "ServiceAccount", plural: "serviceaccounts", ..PLAIN },
    Kind {
        name: "Lease",
        api_version: "coordination.k8s.io/v1",
        plural: "leases",
        unconditional_update: false,
        create_on_update: true,
        ..PLAIN
    },
    Kind {
        name: "MachineConfigPool",
        api_version: MACHINE_CONFIGURATION,
        plural: "machineconfigpools",
        status: true,
        ..CUSTOM
    },
    Kind { name: "MachineConfig", api_version: MACHINE_CONFIGURATION, plural: "machineconfigs", ..CUSTOM },
    Kind { name: BUILD, api_version: "build.openshift.io/v1", plural: "builds", ..PLAIN },
];

impl Kind {
    /// The API group; empty for the core one.
    pub fn group(&self) -> &'static str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The version within the group.
    pub fn version(&self) -> &'static str {
        self.api_version.split_once('/').map_or(self.api_version, |(_, version)| version)
    }

    /// `name` with the group behind it, as error texts have it.
    pub fn qualified(&self, name: &str) -> String {
        match self.group() {
            "" => name.to_owned(),
            group => format!("{name}.{group}"),
        }
    }

    /// Whether this is a custom resource.
    pub fn is_custom(&self) -> bool {
        self.rules == Rules::Custom
    }
}
