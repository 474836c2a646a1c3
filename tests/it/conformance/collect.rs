//! Garbage collection: dependents of owners, and contents of namespaces. Controllers do it, so a bare API server does
//! not.

use super::harness::*;

#[test]
fn what_an_object_owned_goes_with_it() {
    case_with_controllers(async |world| {
        let owner = world.made(named("owner")).await;
        let child = world.made(owned_by("child", &[(&owner, "v1", "ConfigMap")])).await;
        world.made(owned_by("grandchild", &[(&child, "v1", "ConfigMap")])).await;
        world.made(named("stranger")).await;
        world.delete(&world.map("owner"), &json!({"propagationPolicy": "Background"})).await.ok();
        world.gone(&world.map("child")).await;
        world.gone(&world.map("grandchild")).await;
        world.get(&world.map("stranger")).await.ok();
    });
}

#[test]
fn what_has_another_owner_stays_until_that_goes_too() {
    case_with_controllers(async |world| {
        let (one, two) = (world.made(named("one")).await, world.made(named("two")).await);
        world.made(owned_by("child", &[(&one, "v1", "ConfigMap"), (&two, "v1", "ConfigMap")])).await;
        world.made(owned_by("witness", &[(&one, "v1", "ConfigMap")])).await;
        let policy = json!({"propagationPolicy": "Background"});
        world.delete(&world.map("one"), &policy).await.ok();
        world.gone(&world.map("witness")).await;
        world.get(&world.map("child")).await.ok();
        world.delete(&world.map("two"), &policy).await.ok();
        world.gone(&world.map("child")).await;
    });
}

#[test]
fn an_owner_of_the_whole_cluster_takes_along_what_is_in_a_namespace() {
    case_with_controllers(async |world| {
        let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        let name = world.unique("owner");
        let owner = world.post(roles, &json!({"metadata": {"name": name}, "rules": []})).await.ok();
        world.owes(&format!("{roles}/{name}"));
        world.made(owned_by("child", &[(&owner, "rbac.authorization.k8s.io/v1", "ClusterRole")])).await;
        world.delete(&format!("{roles}/{name}"), &json!({})).await.ok();
        world.gone(&world.map("child")).await;
    });
}

#[test]
fn a_custom_resource_takes_along_what_it_owned() {
    case_with_controllers(async |world| {
        let widgets = world.define(&world.widgets(&json!({"type": "object"}))).await;
        let owner = world.post(&widgets, &world.widget("owner", json!({}))).await.ok();
        world.made(owned_by("child", &[(&owner, text(&owner, "/apiVersion"), "Widget")])).await;
        world.delete(&format!("{widgets}/owner"), &json!({})).await.ok();
        world.gone(&world.map("child")).await;
    });
}

#[test]
fn an_orphan_stays_and_names_its_owner_no_more() {
    case_with_controllers(async |world| {
        let owner = world.made(named("owner")).await;
        world.made(owned_by("child", &[(&owner, "v1", "ConfigMap")])).await;
        world.delete(&world.map("owner"), &json!({"propagationPolicy": "Orphan"})).await.ok();
        world.gone(&world.map("owner")).await;
        let child = world.get(&world.map("child")).await.ok();
        assert!(child["metadata"].get("ownerReferences").is_none(), "{child}");
    });
}

#[test]
fn what_is_owned_and_held_back_stays_until_it_is_let_go() {
    case_with_controllers(async |world| {
        let owner = world.made(named("owner")).await;
        let mut child = owned_by("child", &[(&owner, "v1", "ConfigMap")]);
        child["metadata"]["finalizers"] = json!(["example.com/hold"]);
        world.made(child).await;
        world.delete(&world.map("owner"), &json!({"propagationPolicy": "Background"})).await.ok();
        world
            .eventually("the child is being deleted", async || {
                let child = world.get(&world.map("child")).await.ok();
                (!text(&child, "/metadata/deletionTimestamp").is_empty()).then_some(())
            })
            .await;
        world.merge(&world.map("child"), &json!({"metadata": {"finalizers": null}})).await.ok();
        world.gone(&world.map("child")).await;
    });
}

/// A child of `owner` that holds it back when that is deleted in the foreground, and is held back itself.
fn held_child(owner: &Value) -> Value {
    let mut child = owned_by("child", &[(owner, "v1", "ConfigMap")]);
    child["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] = true.into();
    child["metadata"]["finalizers"] = json!(["example.com/hold"]);
    child
}

#[test]
fn what_is_deleted_in_the_foreground_goes_after_what_it_owned() {
    case_with_controllers(async |world| {
        let owner = world.made(named("owner")).await;
        world.made(held_child(&owner)).await;
        let object = world.delete(&world.map("owner"), &json!({"propagationPolicy": "Foreground"})).await.ok();
        assert_eq!(object["metadata"]["finalizers"], json!(["foregroundDeletion"]), "{object}");
        world
            .eventually("the child is being deleted", async || {
                let child = world.get(&world.map("child")).await.ok();
                (!text(&child, "/metadata/deletionTimestamp").is_empty()).then_some(())
            })
            .await;
        world.get(&world.map("owner")).await.ok();
        world.merge(&world.map("child"), &json!({"metadata": {"finalizers": null}})).await.ok();
        world.gone(&world.map("child")).await;
        world.gone(&world.map("owner")).await;
    });
}

#[test]
fn what_is_deleted_in_the_foreground_and_owned_nothing_goes_too() {
    case_with_controllers(async |world| {
        world.made(named("a")).await;
        world.delete(&world.map("a"), &json!({"propagationPolicy": "Foreground"})).await.ok();
        world.gone(&world.map("a")).await;
    });
}

#[test]
fn what_has_another_owner_holds_nobody_back() {
    case_with_controllers(async |world| {
        let (one, two) = (world.made(named("one")).await, world.made(named("two")).await);
        let mut child = owned_by("child", &[(&one, "v1", "ConfigMap"), (&two, "v1", "ConfigMap")]);
        child["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] = true.into();
        world.made(child).await;
        world.delete(&world.map("one"), &json!({"propagationPolicy": "Foreground"})).await.ok();
        world.gone(&world.map("one")).await;
        let child = world.get(&world.map("child")).await.ok();
        assert_eq!(child["metadata"]["ownerReferences"].as_array().unwrap().len(), 1, "{child}");
        assert_eq!(child["metadata"]["ownerReferences"][0]["name"], "two", "{child}");
    });
}

#[test]
fn an_orphan_of_what_is_held_back_stays_too() {
    case_with_controllers(async |world| {
        let mut owner = named("owner");
        owner["metadata"]["finalizers"] = json!(["example.com/hold"]);
        let owner = world.made(owner).await;
        world.made(owned_by("child", &[(&owner, "v1", "ConfigMap")])).await;
        world.delete(&world.map("owner"), &json!({"propagationPolicy": "Orphan"})).await.ok();
        world
            .eventually("the child is nobody's", async || {
                let child = world.get(&world.map("child")).await.ok();
                child["metadata"].get("ownerReferences").is_none().then_some(())
            })
            .await;
        world.merge(&world.map("owner"), &json!({"metadata": {"finalizers": null}})).await.ok();
        world.gone(&world.map("owner")).await;
        world.get(&world.map("child")).await.ok();
    });
}

#[test]
fn a_namespace_stays_until_it_is_empty() {
    case_with_controllers(async |world| {
        let doomed = world.another().await;
        let mut held = named("held");
        held["metadata"]["finalizers"] = json!(["example.com/hold"]);
        doomed.made(held).await;
        doomed.made(named("a")).await;
        let path = format!("{NAMESPACES}/{}", doomed.namespace);
        world.delete(&path, &json!({})).await.ok();
        doomed.gone(&doomed.map("a")).await;
        let namespace = world.get(&path).await.ok();
        assert_eq!(namespace["status"]["phase"], "Terminating", "{namespace}");
        doomed.merge(&doomed.map("held"), &json!({"metadata": {"finalizers": null}})).await.ok();
        world.gone(&path).await;
    });
}

#[test]
fn a_namespace_takes_along_what_is_in_it() {
    case_with_controllers(async |world| {
        let name = world.unique("doomed");
        world.post(NAMESPACES, &named(&name)).await.ok();
        let map = format!("{NAMESPACES}/{name}/configmaps/a");
        world.post(&format!("{NAMESPACES}/{name}/configmaps"), &named("a")).await.ok();
        world.delete(&format!("{NAMESPACES}/{name}"), &json!({})).await.ok();
        world.gone(&map).await;
        world.gone(&format!("{NAMESPACES}/{name}")).await;
    });
}
