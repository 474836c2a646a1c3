//! Kinds with rules of their own: who may do what, Events.

use super::harness::*;

const GROUP: &str = "rbac.authorization.k8s.io";

#[test]
fn a_rule_says_what_may_be_done() {
    case(async |world| {
        let roles = world.of(GROUP, "roles");
        let role = |rule: Value| json!({"metadata": {"name": "a"}, "rules": [rule]});
        let told = world.post(&roles, &role(json!({"apiGroups": [""], "resources": ["pods"]}))).await;
        told.invalid("rules[0].verbs", "FieldValueRequired");
        let told = world.post(&roles, &role(json!({"apiGroups": [""], "verbs": ["get"]}))).await;
        told.invalid("rules[0].resources", "FieldValueRequired");
    });
}

#[test]
fn a_role_may_be_called_whatever_fits_into_a_path() {
    case(async |world| {
        let roles = world.of(GROUP, "roles");
        world.post(&roles, &json!({"metadata": {"name": "system:Readers"}, "rules": []})).await.ok();
        world
            .post(&roles, &json!({"metadata": {"name": "a%b"}, "rules": []}))
            .await
            .invalid("metadata.name", "FieldValueInvalid");
    });
}

#[test]
fn a_binding_is_to_a_role() {
    case(async |world| {
        let bindings = world.of(GROUP, "rolebindings");
        let binding = |kind: &str, name: &str| json!({"metadata": {"name": "a"}, "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name}});
        world.post(&bindings, &binding("Pod", "r")).await.invalid("roleRef.kind", "FieldValueNotSupported");
        world.post(&bindings, &binding("Role", "")).await.invalid("roleRef.name", "FieldValueRequired");
    });
}

#[test]
fn the_role_of_a_binding_stays() {
    case(async |world| {
        let bindings = world.of(GROUP, "rolebindings");
        let role = |name: &str| json!({"apiGroup": GROUP, "kind": "Role", "name": name});
        let roles = world.of(GROUP, "roles");
        for name in ["r", "s"] {
            world.post(&roles, &json!({"metadata": {"name": name}, "rules": []})).await.ok();
        }
        world.post(&bindings, &json!({"metadata": {"name": "a"}, "roleRef": role("r")})).await.ok();
        let told = world.merge(&format!("{bindings}/a"), &json!({"roleRef": role("s")})).await;
        told.invalid("roleRef", "FieldValueInvalid");
    });
}

#[test]
fn an_event_lives_where_its_object_does() {
    case(async |world| {
        let events = world.core("events");
        let event = |namespace: &str| json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "a", "namespace": namespace}});
        for other in ["", "default"] {
            let told = world.post(&events, &event(other)).await;
            told.invalid("involvedObject.namespace", "FieldValueInvalid");
        }
        world.post(&events, &event(&world.namespace)).await.ok();
    });
}

#[test]
fn an_update_of_nothing_creates_an_event() {
    case(async |world| {
        let about = json!({"kind": "Pod", "name": "a", "namespace": world.namespace});
        let event = json!({"metadata": {"name": "e"}, "involvedObject": about});
        assert_eq!(world.put(&world.core("events/e"), &event).await.code, 201);
    });
}
