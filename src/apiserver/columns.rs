//! The columns in which the objects of a kind are shown.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age::age;
use super::{meta, path};

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Its header.
    pub name: &'static str,
    /// The type of its cells, as OpenAPI has it, or `date`.
    pub kind: &'static str,
    /// Its description.
    pub description: &'static str,
    /// Whether it is shown only to who asks for wide tables.
    pub is_wide: bool,
    /// Where its cells come from.
    pub source: Source,
}

/// Where the cell of an object comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The field that a path leads to.
    Path(&'static str),
    /// How many entries there are in these maps.
    Count(&'static [&'static str]),
    /// How many of a pod's containers are ready.
    PodReady,
    /// The state of a pod, in one word.
    PodStatus,
    /// How often a pod's containers were started again.
    PodRestarts,
    /// When an Event was seen last.
    EventSeen,
    /// The object of an Event.
    EventObject,
}

const fn column(name: &'static str, source: Source) -> Column {
    Column { name, kind: "string", description: "", is_wide: false, source }
}

const fn path(name: &'static str, path: &'static str) -> Column {
    column(name, Source::Path(path))
}

const fn number(name: &'static str, path: &'static str) -> Column {
    Column { kind: "integer", ..self::path(name, path) }
}

const NAME: Column = path("Name", ".metadata.name");
const AGE: Column = Column { kind: "date", ..path("Age", ".metadata.creationTimestamp") };

/// The columns of every object.
pub(super) static PLAIN: &[Column] = &[NAME, AGE];
/// The columns of Pods.
pub(super) static PODS: &[Column] = &[
    NAME,
    column("Ready", Source::PodReady),
    column("Status", Source::PodStatus),
    column("Restarts", Source::PodRestarts),
    AGE,
    Column { is_wide: true, ..path("Node", ".spec.nodeName") },
];
/// The columns of Namespaces.
pub(super) static NAMESPACES: &[Column] = &[NAME, path("Status", ".status.phase"), AGE];
/// The columns of ConfigMaps.
pub(super) static CONFIG_MAPS: &[Column] = &[NAME, column("Data", Source::Count(&["data", "binaryData"])), AGE];
/// The columns of Secrets.
pub(super) static SECRETS: &[Column] = &[NAME, path("Type", ".type"), column("Data", Source::Count(&["data"])), AGE];
/// The columns of Events.
pub(super) static EVENTS: &[Column] = &[
    column("Last Seen", Source::EventSeen),
    path("Type", ".type"),
    path("Reason", ".reason"),
    column("Object", Source::EventObject),
    path("Message", ".message"),
    Column { is_wide: true, ..NAME },
];
/// The columns of ServiceAccounts.
pub(super) static SERVICE_ACCOUNTS: &[Column] = &[NAME, column("Secrets", Source::Count(&["secrets"])), AGE];
/// The columns of Leases.
pub(super) static LEASES: &[Column] = &[NAME, path("Holder", ".spec.holderIdentity"), AGE];
/// The columns of RoleBindings and ClusterRoleBindings.
pub(super) static BINDINGS: &[Column] = &[NAME, path("Role", ".roleRef.name"), AGE];
/// The columns of Roles, ClusterRoles and CustomResourceDefinitions.
pub(super) static CREATED_AT: &[Column] = &[NAME, path("Created At", ".metadata.creationTimestamp")];
/// The columns of Builds.
pub(super) static BUILDS: &[Column] = &[
    NAME,
    path("Type", ".spec.strategy.type"),
    path("From", ".spec.source.type"),
    path("Status", ".status.phase"),
    AGE,
];
/// The columns of MachineConfigs.
pub(super) static MACHINE_CONFIGS: &[Column] = &[
    NAME,
    path(
        "GeneratedByController",
        r".metadata.annotations.machineconfiguration\.openshift\.io/generated-by-controller-version",
    ),
    path("IgnitionVersion", ".spec.config.ignition.version"),
    AGE,
];
/// The columns of MachineConfigPools.
pub(super) static MACHINE_CONFIG_POOLS: &[Column] = &[
    NAME,
    path("Config", ".status.configuration.name"),
    path("Updated", r#".status.conditions[?(@.type=="Updated")].status"#),
    path("Updating", r#".status.conditions[?(@.type=="Updating")].status"#),
    path("Degraded", r#".status.conditions[?(@.type=="Degraded")].status"#),
    number("MachineCount", ".status.machineCount"),
    number("ReadyMachineCount", ".status.readyMachineCount"),
    number("UpdatedMachineCount", ".status.updatedMachineCount"),
    number("DegradedMachineCount", ".status.degradedMachineCount"),
    AGE,
];

impl Column {
    /// The column's definition, as it stands in a Table.
    pub(super) fn definition(&self) -> Value {
        // Ages are sent as the durations that they show as.
        let kind = if self.kind == "date" { "string" } else { self.kind };
        json!({
            "name": self.name, "type": kind, "format": if self.name == "Name" { "name" } else { "" },
            "description": self.description, "priority": u8::from(self.is_wide),
        })
    }

    /// The column's cell for `object`.
    pub(super) fn cell(&self, object: &Value, now: Timestamp) -> Value {
        match &self.source {
            Source::Path(path) => self.typed(&path::find(object, path), now),
            Source::Count(maps) => maps.iter().map(|map| meta::size(&object[*map])).sum::<usize>().into(),
            Source::PodReady => {
                let statuses = container_statuses(object);
                let ready = statuses.iter().filter(|status| status["ready"] == true).count();
                let all = object.pointer("/spec/containers").map_or(0, meta::size);
                format!("{ready}/{all}").into()
            }
            Source::PodStatus => pod_status(object).into(),
            Source::PodRestarts => {
                let counts = container_statuses(object).iter().filter_map(|status| status["restartCount"].as_i64());
                counts.sum::<i64>().to_string().into()
            }
            Source::EventSeen => {
                let times = ["lastTimestamp", "eventTime", "firstTimestamp"].map(|field| meta::text(object, field));
                let time = times.into_iter().find(|time| !time.is_empty());
                age(time.unwrap_or_else(|| meta::metadata(object, "creationTimestamp")), now).into()
            }
            Source::EventObject => {
                let involved = &object["involvedObject"];
                format!("{}/{}", meta::text(involved, "kind").to_lowercase(), meta::text(involved, "name")).into()
            }
        }
    }

    fn typed(&self, found: &[&Value], now: Timestamp) -> Value {
        let Some(first) = found.first() else { return Value::Null };
        match self.kind {
            "date" => age(first.as_str().unwrap_or_default(), now).into(),
            "string" => {
                let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                found.iter().map(|value| text(value)).collect::<Vec<_>>().join(" ").into()
            }
            _ => (*first).clone(),
        }
    }
}

fn container_statuses(pod: &Value) -> &[Value] {
    meta::items(&pod["status"], "containerStatuses")
}

/// The value of the STATUS column: the worst reason of a waiting or terminated container, else the phase.
fn pod_status(pod: &Value) -> String {
    if meta::is_being_deleted(pod) {
        return "Terminating".to_owned();
    }
    let reasons =
        container_statuses(pod).iter().flat_map(|status| ["waiting", "terminated"].map(|s| &status["state"][s]));
    let worst = reasons.map(|state| meta::text(state, "reason")).find(|reason| !matches!(*reason, "" | "Completed"));
    let own = meta::text(&pod["status"], "reason");
    let phase = meta::text(&pod["status"], "phase");
    let completed = if phase == "Succeeded" { "Completed" } else { phase };
    [own, worst.unwrap_or_default(), completed]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or("Unknown")
        .to_owned()
}
