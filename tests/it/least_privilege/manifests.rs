//! The objects of `config/rbac`, and what its roles allow, one by one.

use std::fs;

use machine_os_builder::yaml;
use serde_json::{Value, json};

/// The account of the daemon.
pub(super) const CONTROLLER: &str = "machine-os-builder-controller";
/// The account of build pods.
pub(super) const BUILD_POD: &str = "machine-os-builder";

/// Every object that the kustomization lists, in its order.
pub(super) fn objects() -> Vec<Value> {
    read().into_iter().map(|(_, object)| object).collect()
}

/// The same, each with the name of its file, as in `build_role`.
fn read() -> Vec<(String, Value)> {
    let documents = |name: &str| yaml::parse(&fs::read_to_string(format!("config/rbac/{name}")).unwrap()).unwrap();
    let kustomization = documents("kustomization.yaml").remove(0);
    let files = kustomization["resources"].as_array().unwrap().clone();
    let of_file = |file: &Value| {
        let file = file.as_str().unwrap().to_owned();
        let stem = file.trim_end_matches(".yaml").to_owned();
        documents(&file).into_iter().map(move |object| (stem.clone(), object))
    };
    files.iter().flat_map(of_file).collect()
}

/// One verb on one resource, by one rule of one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permission {
    /// The file of the role, where that is among the objects, and where the rule is in it.
    pub file: String,
    pub role: usize,
    pub rule: usize,
    /// The role's namespace, if it has one.
    pub namespace: Option<String>,
    /// As in `pods/log`.
    pub resource: String,
    pub verb: String,
}

impl Permission {
    /// As in `controller_role::pods_log::get`.
    pub(super) fn name(&self) -> String {
        format!("{}::{}::{}", self.file, self.resource.replace('/', "_"), self.verb)
    }
}

/// Everything that the roles allow that is a request: that security constraints may be used is asked for in reviews.
pub(super) fn permissions() -> Vec<Permission> {
    let texts = |rule: &Value, field: &str| -> Vec<String> {
        rule[field].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut permissions = Vec::new();
    for (role, (file, object)) in read().into_iter().enumerate() {
        let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
        for (rule, value) in object["rules"].as_array().into_iter().flatten().enumerate() {
            for resource in texts(value, "resources") {
                let verbs = texts(value, "verbs").into_iter().filter(|verb| verb != "use");
                permissions.extend(verbs.map(|verb| {
                    let (file, namespace, resource) = (file.clone(), namespace.clone(), resource.clone());
                    Permission { file, role, rule, namespace, resource, verb }
                }));
            }
        }
    }
    permissions
}

/// The objects, but for one permission: its rule is split, so that every other one stays.
pub(super) fn without(objects: &[Value], gone: &Permission) -> Vec<Value> {
    let mut objects = objects.to_vec();
    let rules = objects[gone.role]["rules"].as_array_mut().unwrap();
    let rule = rules.remove(gone.rule);
    let but = |field: &str, gone: &str| -> Value {
        rule[field].as_array().unwrap().iter().filter(|value| *value != gone).cloned().collect()
    };
    let (mut of_others, mut of_this) = (rule.clone(), rule.clone());
    of_others["resources"] = but("resources", &gone.resource);
    of_this["resources"] = json!([gone.resource]);
    of_this["verbs"] = but("verbs", &gone.verb);
    // A rule for nothing is none.
    let is_rule = |rule: &Value| ["resources", "verbs"].iter().all(|field| rule[field] != json!([]));
    rules.extend([of_others, of_this].into_iter().filter(is_rule));
    objects
}
