//! What goes with what: owners, and namespaces. Somebody has to do it, so a server alone does not.

use crate::harness::*;

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
