//! The objects of `config/rbac`, and what its roles allow, one by one.

use std::fs;

use machine_os_builder::yaml;
use serde_json::{Value, json};

/// The account of the daemon.
pub const CONTROLLER: &str = "machine-os-builder-controller";
/// The account of build pods.
pub const BUILD_POD: &str = "machine-os-builder";

/// Every object that the kustomization lists, in its order.
pub fn objects() -> Vec<Value> {
    let read = |name: &str| yaml::parse(&fs::read_to_string(format!("config/rbac/{name}")).unwrap()).unwrap();
    let kustomization = read("kustomization.yaml").remove(0);
    let files = kustomization["resources"].as_array().unwrap().clone();
    files.iter().flat_map(|file| read(file.as_str().unwrap())).collect()
}

/// One verb on one resource, by one rule of one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Where the role is among the objects, and where the rule is in it.
    pub role: usize,
    pub rule: usize,
    /// The role's namespace, if it has one.
    pub namespace: Option<String>,
    /// As in `pods/log`.
    pub resource: String,
    pub verb: String,
}

impl Permission {
    pub fn name(&self) -> String {
        format!("{} {} in {}", self.verb, self.resource, self.namespace.as_deref().unwrap_or("the cluster"))
    }
}

/// Everything that the roles bound to an account allow it.
pub fn permissions(objects: &[Value], account: &str) -> Vec<Permission> {
    let bound = |role: &Value| {
        objects.iter().any(|binding| {
            let is_the_roles = binding["roleRef"]["kind"] == role["kind"]
                && binding["roleRef"]["name"] == role["metadata"]["name"]
                && binding["metadata"]["namespace"] == role["metadata"]["namespace"];
            is_the_roles && binding["subjects"].as_array().unwrap().iter().any(|subject| subject["name"] == account)
        })
    };
    let mut permissions = Vec::new();
    for (role, object) in
        objects.iter().enumerate().filter(|(_, object)| object.get("rules").is_some() && bound(object))
    {
        let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
        for (rule, value) in object["rules"].as_array().unwrap().iter().enumerate() {
            for resource in value["resources"].as_array().unwrap() {
                for verb in value["verbs"].as_array().unwrap() {
                    permissions.push(Permission {
                        role,
                        rule,
                        namespace: namespace.clone(),
                        resource: resource.as_str().unwrap().to_owned(),
                        verb: verb.as_str().unwrap().to_owned(),
                    });
                }
            }
        }
    }
    permissions
}

/// The objects, but for one permission: its rule is split, so that every other one stays.
pub fn without(objects: &[Value], gone: &Permission) -> Vec<Value> {
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
