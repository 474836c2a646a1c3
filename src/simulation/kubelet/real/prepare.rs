//! Preparation of a pod: its volumes, and the commands of its containers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Container, PodSpec, VolumeMount};

use super::container::{Mount, Plan};
use super::environment::Invocation;
use super::failure::Failure;
use super::host::PodDirectories;
use super::node::Node;
use super::objects::Objects;
use super::volumes::{Mountable, Volumes};
use crate::causes::with_causes;

/// A reason why a pod does not start, and how the node reports it.
pub(super) struct Obstacle {
    /// Of the containers that wait.
    pub(super) reason: &'static str,
    /// The reason of the Event.
    pub(super) event: &'static str,
    pub(super) message: String,
}

/// Containers that can be started, each with the directory of its files.
pub(super) type Prepared = Vec<(Plan, PathBuf)>;

/// Makes the volumes of a pod, and finds out what its containers run.
pub(super) async fn prepare(
    node: &Node,
    spec: &PodSpec,
    objects: &Objects<'_>,
    directories: &PodDirectories,
) -> Result<Prepared, Obstacle> {
    let volumes = Volumes { objects, directories };
    let mut made = BTreeMap::new();
    for volume in spec.volumes.iter().flatten() {
        let mountable = volumes.make(volume).await.map_err(|failure| unmounted(&volume.name, &failure))?;
        made.insert(volume.name.as_str(), mountable);
    }
    let mut environment = node.host.environment.clone();
    environment.push(("KUBERNETES_SERVICE_HOST".to_owned(), node.address.ip().to_string()));
    environment.push(("KUBERNETES_SERVICE_PORT".to_owned(), node.address.port().to_string()));
    let shared = node.host.shared_files();
    let mut containers = Vec::new();
    for container in &spec.containers {
        let invocation = Invocation::of(container, objects, &environment).await;
        let plan = invocation.and_then(|invocation| plan(container, invocation, &shared, &made));
        let directory = directories.on_disk(&format!("container-{}", container.name)).map_err(Failure::Io);
        let prepared = plan.and_then(|plan| Ok((plan, directory?)));
        containers.push(prepared.map_err(|failure| unconfigured(&container.name, &failure))?);
    }
    Ok(containers)
}

fn unmounted(volume: &str, failure: &Failure) -> Obstacle {
    let message = format!("MountVolume.SetUp failed for volume {volume:?}: {}", with_causes(failure));
    Obstacle { reason: "ContainerCreating", event: "FailedMount", message }
}

fn unconfigured(container: &str, failure: &Failure) -> Obstacle {
    let message = format!("container {container}: {}", with_causes(failure));
    Obstacle { reason: "CreateContainerConfigError", event: "Failed", message }
}

fn plan(
    container: &Container,
    invocation: Invocation,
    shared: &[PathBuf],
    volumes: &BTreeMap<&str, Mountable>,
) -> Result<Plan, Failure> {
    let of_node = |path: &PathBuf| Mount { from: path.clone(), to: path.display().to_string(), is_read_only: true };
    let mut mounts: Vec<Mount> = shared.iter().map(of_node).collect();
    for wanted in container.volume_mounts.iter().flatten() {
        mounts.push(mount(wanted, volumes)?);
    }
    Ok(Plan {
        name: container.name.clone(),
        invocation,
        working_directory: container.working_dir.clone(),
        mounts,
        message_path: container.termination_message_path.clone(),
        falls_back_to_log: container.termination_message_policy.as_deref() == Some("FallbackToLogsOnError"),
    })
}

fn mount(wanted: &VolumeMount, volumes: &BTreeMap<&str, Mountable>) -> Result<Mount, Failure> {
    let Some(volume) = volumes.get(wanted.name.as_str()) else {
        return Err(Failure::NotFound { kind: "volume", name: wanted.name.clone() });
    };
    if wanted.sub_path_expr.is_some() {
        return Err(Failure::Unsupported("subPathExpr".to_owned()));
    }
    let sub_path = wanted.sub_path.as_deref().unwrap_or_default();
    let is_inside = Path::new(sub_path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if !is_inside {
        return Err(Failure::Path(sub_path.to_owned()));
    }
    let from = if sub_path.is_empty() { volume.directory.clone() } else { volume.directory.join(sub_path) };
    let is_read_only = volume.is_read_only || wanted.read_only == Some(true);
    Ok(Mount { from, to: wanted.mount_path.clone(), is_read_only })
}
