//! Conversion of a build's objects to the commands that run on this machine.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::api::pool::field;
use crate::api::{Kind, Object};
use crate::reconcile::objects::pod::{IMAGE_BUILD, IMAGE_LAYOUT, IMAGE_PUSH, PUSH_CREDENTIALS};

/// Where the pod's volumes are mounted.
const MOUNTS: &str = "/tmp/";
/// Variables that belong to the pod's own image.
const OF_THE_POD: [&str; 1] = ["HOME"];

/// The commands of a build pod, with their files and environment. Debug shows no contents: they are secret.
#[derive(Clone)]
pub struct Recipe {
    /// The steps, in order: one for each container.
    pub steps: Vec<Step>,
    /// The files that the pod finds, by their paths below the place that its volumes are mounted in.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// Directories that are empty at first, likewise.
    pub directories: Vec<PathBuf>,
}

/// The command of one container.
#[derive(Debug, Clone)]
pub struct Step {
    /// The name of the container.
    pub container: &'static str,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The environment that the container has.
    pub environment: Vec<(String, String)>,
}

impl std::fmt::Debug for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let files: Vec<_> = self.files.iter().map(|(path, _)| path).collect();
        f.debug_struct("Recipe").field("steps", &self.steps).field("files", &files).finish_non_exhaustive()
    }
}

impl Recipe {
    /// The recipe of the build pod among `objects`, with `pull_auth` and `push_auth` as its credentials; none if there
    /// is no build pod.
    pub fn of(objects: &[Object], pull_auth: Vec<u8>, push_auth: Vec<u8>) -> Option<Self> {
        let pod = objects.iter().find(|object| Kind::of(object).is_ok_and(|kind| kind == Kind::Pod))?;
        let container = |name: &str| list(&pod.data, "/spec/containers").iter().find(|it| field(it, "name") == name);
        let containers = [(IMAGE_BUILD, container(IMAGE_BUILD)?), (IMAGE_PUSH, container(IMAGE_PUSH)?)];
        let steps = containers.iter().map(|(name, container)| Step::of(name, container)).collect();
        let directories = vec![PathBuf::from(IMAGE_LAYOUT)];
        let mut recipe = Self { steps, files: Vec::new(), directories };
        let mut known = BTreeSet::new();
        for mount in containers.iter().flat_map(|(_, container)| list(container, "/volumeMounts")) {
            let directory = PathBuf::from(field(mount, "mountPath").strip_prefix(MOUNTS).unwrap_or_default());
            let volume = list(&pod.data, "/spec/volumes").iter().find(|it| it["name"] == mount["name"])?;
            if !known.insert(field(mount, "name")) {
                continue;
            }
            if let Some(name) = volume.pointer("/configMap/name") {
                recipe.files.extend(data_of(objects, name).map(|(key, text)| (directory.join(key), text.into())));
            } else if volume.get("secret").is_some() {
                let is_push = field(mount, "name") == PUSH_CREDENTIALS;
                let body = if is_push { push_auth.clone() } else { pull_auth.clone() };
                recipe.files.push((directory.join("config.json"), body));
            }
        }
        Some(recipe)
    }

    /// A variable of the pod's environment.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let mut variables = self.steps.iter().flat_map(|step| &step.environment);
        variables.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Step {
    fn of(name: &'static str, container: &Value) -> Self {
        let command = list(container, "/command").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let variables = list(container, "/env").iter().map(|it| (field(it, "name").into(), field(it, "value").into()));
        let environment = variables.filter(|(name, _): &(String, String)| !OF_THE_POD.contains(&name.as_str()));
        Self { container: name, command, environment: environment.collect() }
    }
}

fn data_of<'o>(objects: &'o [Object], name: &Value) -> impl Iterator<Item = (&'o String, &'o str)> {
    let is_it = |object: &&Object| {
        Kind::of(object).is_ok_and(|kind| kind == Kind::ConfigMap) && object.metadata.name.as_deref() == name.as_str()
    };
    let data = objects.iter().find(is_it).and_then(|object| object.data.get("data")?.as_object());
    data.into_iter().flatten().filter_map(|(key, value)| Some((key, value.as_str()?)))
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
