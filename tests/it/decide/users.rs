//! The actions of users and other controllers.

use machine_os_builder::api::{Key, Kind, Object, keys, names};
use serde_json::{Value, json};

use super::POOL;
use super::server::Server;
use super::step::{Step, Stray};
use crate::harness::cluster::{config_map, digest_of, inputs, machine_config, pool, secret};

pub(super) fn create(server: &mut Server, document: Value) {
    let object: Object = serde_json::from_value(document.clone()).unwrap();
    let key = Key::of(Kind::of(&object).unwrap(), &object);
    // An existing object stays.
    let _ = server.create(&key, document);
}

fn edit_pool(server: &mut Server, change: impl FnOnce(&mut Value)) {
    server.edit(&Key::new(Kind::MachineConfigPool, POOL), change);
}

fn annotate(server: &mut Server, key: &str, value: Option<&str>) {
    edit_pool(server, |pool| match value {
        Some(value) => pool["metadata"]["annotations"][key] = json!(value),
        None => {
            if let Some(annotations) = pool["metadata"]["annotations"].as_object_mut() {
                annotations.remove(key);
            }
        }
    });
}

/// Takes a step of a user's or a neighbour's.
pub(super) fn act(server: &mut Server, step: &Step) {
    match step {
        Step::OptIn(is) => edit_pool(server, |pool| {
            pool["metadata"]["labels"] = if *is { json!({keys::LAYERING_ENABLED: ""}) } else { json!({}) };
        }),
        Step::Want(config) => edit_pool(server, |pool| pool["spec"]["configuration"]["name"] = json!(config)),
        Step::Rebuild => annotate(server, keys::REBUILD, Some("")),
        Step::DropImage => annotate(server, keys::NEWEST_IMAGE, None),
        Step::DropRecord => annotate(server, keys::BUILD_RECORD, None),
        Step::Annotate(value) => annotate(server, "example.com/note", Some(&value.to_string())),
        Step::WriteStatus(count) => edit_pool(server, |pool| pool["status"]["machineCount"] = json!(count)),
        Step::Condition(type_, is) => condition(server, type_, *is),
        Step::Edit(map, key, value) => edit_input(server, map, key, *value),
        Step::Remove(name) => server.delete(&input_key(name)),
        Step::Return(name) => return_input(server, name),
        Step::LegacyPushSecret => {
            server.delete(&input_key("push"));
            let body = json!({"registry.test": {"auth": "dTpw"}});
            create(server, secret("push", "kubernetes.io/dockercfg", ".dockercfg", &body));
        }
        Step::BigConfig(name, is) => {
            let labels = if *is { json!({"big": ""}) } else { json!({}) };
            server.edit(&Key::new(Kind::MachineConfig, *name), |config| config["metadata"]["labels"] = labels);
        }
        Step::DeletePool { is_held } => {
            let finalizers = if *is_held { json!(["example.com/hold"]) } else { json!([]) };
            edit_pool(server, |pool| pool["metadata"]["finalizers"] = finalizers);
            server.delete(&Key::new(Kind::MachineConfigPool, POOL));
        }
        Step::ReturnPool => return_pool(server),
        Step::Put(stray, config) => create(server, stray_object(*stray, config)),
        Step::TakeStrays => take_strays(server),
        Step::HoldConfigMaps(is) => hold_config_maps(server, *is),
        step => unreachable!("{step:?} is nobody's"),
    }
}

/// Sets a condition as its owner would; `Degraded` of the daemon's is reset by its owner too.
fn condition(server: &mut Server, type_: &str, is: bool) {
    edit_pool(server, |pool| {
        let mut conditions = pool["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.retain(|condition| condition["type"] != type_);
        conditions.push(json!({"type": type_, "status": if is { "True" } else { "False" }, "reason": "NodesSick"}));
        pool["status"]["conditions"] = json!(conditions);
    });
}

fn edit_input(server: &mut Server, map: &str, key: &str, value: Option<&str>) {
    if map == names::CUSTOM_CONTAINERFILE {
        create(server, config_map(map, json!({})));
    }
    server.edit(&Key::new(Kind::ConfigMap, map), |map| match (value, map["data"].as_object_mut()) {
        (Some(value), Some(data)) => drop(data.insert(key.to_owned(), json!(value))),
        (None, Some(data)) => drop(data.remove(key)),
        (_, None) => {}
    });
}

fn input_key(name: &str) -> Key {
    let kind = match name {
        "pull" | "push" => Kind::Secret,
        _ if name.starts_with(names::RENDERED_PREFIX) => Kind::MachineConfig,
        _ => Kind::ConfigMap,
    };
    Key::new(kind, name)
}

fn return_input(server: &mut Server, name: &str) {
    match input_key(name).kind {
        Kind::MachineConfig => create(server, machine_config(name)),
        _ => inputs().into_iter().filter(|input| input["metadata"]["name"] == name).for_each(|i| create(server, i)),
    }
}

fn return_pool(server: &mut Server) {
    let key = Key::new(Kind::MachineConfigPool, POOL);
    if server.objects.get(&key).is_some_and(|pool| pool.metadata.deletion_timestamp.is_some()) {
        server.remove(&key);
    }
    create(server, pool(POOL, super::step::CONFIGS[0]));
}

fn stray_object(stray: Stray, config: &str) -> Value {
    let labels = json!({keys::BUILD_POD: "", keys::TARGET_POOL: POOL, keys::DESIRED_CONFIG: config});
    let labelled = |mut object: Value| {
        object["metadata"]["labels"] = labels.clone();
        object
    };
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": names::build(config)}, "spec": {"containers": []},
    });
    match stray {
        Stray::ForeignPod => pod,
        Stray::StalePod => labelled(pod),
        Stray::ForeignConfigMap => config_map(&names::payload(config), json!({})),
        Stray::StaleConfigMap => labelled(config_map(&names::containerfile(config), json!({}))),
        Stray::LabelledConfigMap => labelled(config_map("a-name-of-its-own", json!({}))),
        Stray::Digest => config_map(&names::digest(config), json!({"digest": digest_of("nobody's")})),
    }
}

/// Takes away what has a name of ours without being ours.
pub(super) fn take_strays(server: &mut Server) {
    let is_stray = |key: &Key, object: &Object| {
        names::rendered_of(&key.name).is_some() && !super::laws::is_ours(object) && key.kind != Kind::MachineConfig
    };
    let strays: Vec<Key> =
        server.objects.iter().filter(|(key, object)| is_stray(key, object)).map(|(key, _)| key.clone()).collect();
    strays.iter().for_each(|key| server.remove(key));
}

/// Puts a finalizer on the ConfigMaps of builds, or lets go of them.
pub(super) fn hold_config_maps(server: &mut Server, is: bool) {
    let is_ours =
        |(key, object): &(&Key, &std::sync::Arc<Object>)| key.kind == Kind::ConfigMap && super::laws::is_ours(object);
    let ours: Vec<Key> = server.objects.iter().filter(is_ours).map(|(key, _)| key.clone()).collect();
    for key in ours {
        let is_leaving = server.objects[&key].metadata.deletion_timestamp.is_some();
        match (is, is_leaving) {
            (false, true) => server.remove(&key),
            (true, true) => {}
            _ => {
                let finalizers = if is { json!(["example.com/hold"]) } else { json!([]) };
                server.edit(&key, |object| object["metadata"]["finalizers"] = finalizers);
            }
        }
    }
}
