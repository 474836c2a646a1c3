//! Strategic merge patches: which lists are merged, by what, and in which order.

use super::harness::*;

async fn patched(world: &World, path: &str, patch: Value) -> Value {
    world.patch(path, STRATEGIC_PATCH, &patch).await.ok()
}

fn list<'a>(object: &'a Value, pointer: &str, key: &str) -> Vec<&'a str> {
    let items = object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    items.map(|item| item[key].as_str().unwrap_or_default()).collect()
}

#[test]
fn maps_are_merged() {
    case_of(with_data("a", json!({"k": "1", "l": "2"})), async |world, _| {
        let object = patched(world, &world.map("a"), json!({"data": {"k": null, "m": "3"}})).await;
        assert_eq!(object["data"], json!({"l": "2", "m": "3"}));
    });
}

#[test]
fn a_map_is_replaced_by_directive() {
    case_of(with_data("a", json!({"k": "1", "l": "2"})), async |world, _| {
        let object = patched(world, &world.map("a"), json!({"data": {"$patch": "replace", "m": "3"}})).await;
        assert_eq!(object["data"], json!({"m": "3"}));
    });
}

#[test]
fn a_map_keeps_the_keys_that_a_directive_names() {
    case_of(with_data("a", json!({"k": "1", "l": "2"})), async |world, _| {
        let patch = json!({"data": {"$retainKeys": ["l", "m"], "m": "3"}});
        let object = patched(world, &world.map("a"), patch).await;
        assert_eq!(object["data"], json!({"l": "2", "m": "3"}));
    });
}

#[test]
fn containers_are_merged_by_name() {
    case_of_pod(pod("a"), async |world, _| {
        let patch = json!({"spec": {"containers": [{"name": "main", "image": "registry.example.com/none:2"}]}});
        let object = patched(world, &world.pod("a"), patch).await;
        let container = &object["spec"]["containers"][0];
        assert_eq!((text(container, "/image"), text(container, "/name")), ("registry.example.com/none:2", "main"));
        assert_eq!(list(&object, "/spec/containers", "name"), ["main"]);
    });
}

#[test]
fn an_item_without_its_key_is_refused() {
    case_of_pod(pod("a"), async |world, _| {
        let patch = json!({"spec": {"containers": [{"image": "x"}]}});
        let told = world.patch(&world.pod("a"), STRATEGIC_PATCH, &patch).await;
        assert!(told.code >= 400, "{told:?}");
        assert_eq!(told.body["kind"], "Status", "{told:?}");
    });
}

#[test]
fn conditions_are_merged_by_type() {
    case_of_pod(pod("a"), async |world, _| {
        let path = format!("{}/status", world.pod("a"));
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status});
        let patch = |conditions: Value| json!({"status": {"conditions": conditions}});
        patched(world, &path, patch(json!([condition("example.com/One", "True")]))).await;
        let two = json!([condition("example.com/Two", "True"), condition("example.com/One", "False")]);
        let object = patched(world, &path, patch(two)).await;
        let conditions = object["status"]["conditions"].as_array().unwrap();
        let status = |kind: &str| conditions.iter().find(|c| c["type"] == kind).map(|c| c["status"].clone());
        assert_eq!(status("example.com/One"), Some(json!("False")));
        assert_eq!(status("example.com/Two"), Some(json!("True")));
    });
}

#[test]
fn an_item_is_deleted_by_directive() {
    case_of_pod(pod("a"), async |world, _| {
        let path = format!("{}/status", world.pod("a"));
        let conditions =
            json!([{"type": "example.com/One", "status": "True"}, {"type": "example.com/Two", "status": "True"}]);
        patched(world, &path, json!({"status": {"conditions": conditions}})).await;
        let patch = json!({"status": {"conditions": [{"$patch": "delete", "type": "example.com/One"}]}});
        let object = patched(world, &path, patch).await;
        let kinds = list(&object, "/status/conditions", "type");
        assert!(kinds.contains(&"example.com/Two") && !kinds.contains(&"example.com/One"), "{object}");
    });
}

#[test]
fn a_list_is_replaced_by_directive() {
    case_of_pod(pod("a"), async |world, _| {
        let path = format!("{}/status", world.pod("a"));
        let condition = |kind: &str| json!({"type": kind, "status": "True"});
        patched(world, &path, json!({"status": {"conditions": [condition("example.com/One")]}})).await;
        let patch = json!({"status": {"conditions": [{"$patch": "replace"}, condition("example.com/Two")]}});
        let object = patched(world, &path, patch).await;
        assert_eq!(list(&object, "/status/conditions", "type"), ["example.com/Two"]);
    });
}

#[test]
fn finalizers_are_merged_as_a_set() {
    case_of(json!({"metadata": {"name": "a", "finalizers": ["example.com/one"]}}), async |world, _| {
        let patch = json!({"metadata": {"finalizers": ["example.com/two", "example.com/one"]}});
        let object = patched(world, &world.map("a"), patch).await;
        let mut finalizers: Vec<&str> =
            object["metadata"]["finalizers"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        finalizers.sort_unstable();
        assert_eq!(finalizers, ["example.com/one", "example.com/two"]);
        world.merge(&world.map("a"), &json!({"metadata": {"finalizers": null}})).await.ok();
    });
}

#[test]
fn a_finalizer_is_deleted_by_directive() {
    case(async |world| {
        world.made(json!({"metadata": {"name": "a", "finalizers": ["example.com/one", "example.com/two"]}})).await;
        let patch = json!({"metadata": {
            "$deleteFromPrimitiveList/finalizers": ["example.com/one"],
            "$setElementOrder/finalizers": ["example.com/two"],
        }});
        let object = patched(world, &world.map("a"), patch).await;
        assert_eq!(object["metadata"]["finalizers"], json!(["example.com/two"]));
        world.merge(&world.map("a"), &json!({"metadata": {"finalizers": null}})).await.ok();
    });
}

#[test]
fn finalizers_are_put_into_the_order_that_a_directive_has() {
    case(async |world| {
        world.made(json!({"metadata": {"name": "a", "finalizers": ["example.com/one", "example.com/two"]}})).await;
        let order = json!(["example.com/two", "example.com/one", "example.com/three"]);
        let patch = json!({"metadata": {
            "finalizers": ["example.com/three"], "$setElementOrder/finalizers": order,
        }});
        let object = patched(world, &world.map("a"), patch).await;
        assert_eq!(object["metadata"]["finalizers"], order);
        world.merge(&world.map("a"), &json!({"metadata": {"finalizers": null}})).await.ok();
    });
}

#[test]
fn owners_are_merged_by_uid() {
    case(async |world| {
        let (one, two) = (world.made(named("one")).await, world.made(named("two")).await);
        world.made(owned_by("child", &[(&one, "v1", "ConfigMap")])).await;
        let patch = owned_by("child", &[(&two, "v1", "ConfigMap")]);
        let object = patched(world, &world.map("child"), patch).await;
        let mut owners = list(&object, "/metadata/ownerReferences", "name");
        owners.sort_unstable();
        assert_eq!(owners, ["one", "two"]);
        let patch = json!({"metadata": {"ownerReferences": [{"$patch": "delete", "uid": uid(&one)}]}});
        let object = patched(world, &world.map("child"), patch).await;
        assert_eq!(list(&object, "/metadata/ownerReferences", "name"), ["two"]);
    });
}

#[test]
fn tolerations_are_replaced() {
    case_of_pod(pod("a"), async |world, _| {
        let before = world.get(&world.pod("a")).await.ok();
        let mut tolerations = before["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
        tolerations.push(json!({"key": "example.com/k", "operator": "Exists"}));
        let object = patched(world, &world.pod("a"), json!({"spec": {"tolerations": tolerations}})).await;
        assert_eq!(object["spec"]["tolerations"], json!(tolerations));
    });
}

#[test]
fn rules_are_replaced() {
    case(async |world| {
        let roles = world.of("rbac.authorization.k8s.io", "roles");
        let rule = |verb: &str| json!({"verbs": [verb], "apiGroups": [""], "resources": ["pods"]});
        world.post(&roles, &json!({"metadata": {"name": "a"}, "rules": [rule("get"), rule("list")]})).await.ok();
        let object = patched(world, &format!("{roles}/a"), json!({"rules": [rule("watch")]})).await;
        assert_eq!(object["rules"], json!([rule("watch")]));
    });
}

#[test]
fn the_secrets_of_an_account_are_merged_by_name() {
    case(async |world| {
        let accounts = world.core("serviceaccounts");
        world.post(&accounts, &json!({"metadata": {"name": "a"}, "secrets": [{"name": "one"}]})).await.ok();
        let object = patched(world, &format!("{accounts}/a"), json!({"secrets": [{"name": "two"}]})).await;
        let mut secrets = list(&object, "/secrets", "name");
        secrets.sort_unstable();
        assert_eq!(secrets, ["one", "two"]);
    });
}

#[test]
fn a_directive_that_nobody_knows_is_refused() {
    case_of(with_data("a", json!({"k": "1"})), async |world, _| {
        let told = world.patch(&world.map("a"), STRATEGIC_PATCH, &json!({"data": {"$patch": "shuffle"}})).await;
        assert!(told.code >= 400 && told.body["kind"] == "Status", "{told:?}");
    });
}

#[test]
fn a_custom_resource_has_no_strategic_merge() {
    case(async |world| {
        let widgets = world.define(&world.widgets(&json!({"type": "object"}))).await;
        world.post(&widgets, &world.widget("a", json!({}))).await.ok();
        let told = world.patch(&format!("{widgets}/a"), STRATEGIC_PATCH, &json!({})).await;
        let status = told.refused(415, "UnsupportedMediaType");
        assert!(text(&status, "/message").contains(MERGE_PATCH), "{status}");
    });
}
