//! Pods: what makes one valid, what may change, and how one ends.

use super::harness::*;

/// The error of `field` for a pod that is valid except for `value` at `pointer`.
async fn refused(world: &World, pointer: &str, value: Value, field: &str, reason: &str) -> String {
    let mut pod = pod("a");
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    pod.pointer_mut(parent).unwrap()[key] = value;
    let told = world
        .eventually("the answer is about the pod", async || {
            let told = world.post(&world.pods(), &pod).await;
            (told.code != 403).then_some(told)
        })
        .await;
    told.invalid(field, reason)
}

#[test]
fn a_pod_needs_a_container() {
    case(async |world| {
        refused(world, "/spec/containers", json!([]), "spec.containers", "FieldValueRequired").await;
    });
}

#[test]
fn a_container_has_a_name_and_an_image() {
    case(async |world| {
        for field in ["name", "image"] {
            let pointer = format!("/spec/containers/0/{field}");
            let field = format!("spec.containers[0].{field}");
            refused(world, &pointer, json!(""), &field, "FieldValueRequired").await;
        }
    });
}

#[test]
fn a_container_has_a_name_of_its_own() {
    case(async |world| {
        let container = json!({"name": "main", "image": "i"});
        let containers = json!([container, container]);
        let message =
            refused(world, "/spec/containers", containers, "spec.containers[1].name", "FieldValueDuplicate").await;
        assert_eq!(message, "Duplicate value: \"main\"");
    });
}

#[test]
fn a_container_has_the_name_of_a_label() {
    case(async |world| {
        for name in ["A", "a.b", "a_b"] {
            let field = "spec.containers[0].name";
            refused(world, "/spec/containers/0/name", json!(name), field, "FieldValueInvalid").await;
        }
    });
}

#[test]
fn a_restart_policy_is_one_of_three() {
    case(async |world| {
        let field = "spec.restartPolicy";
        let message = refused(world, "/spec/restartPolicy", json!("Sometimes"), field, "FieldValueNotSupported").await;
        assert!(message.starts_with("Unsupported value: \"Sometimes\": supported values: \"Always\""), "{message}");
    });
}

#[test]
fn a_volume_is_mounted_that_is_there() {
    case(async |world| {
        let mounts = json!([{"name": "none", "mountPath": "/x"}]);
        let field = "spec.containers[0].volumeMounts[0].name";
        refused(world, "/spec/containers/0/volumeMounts", mounts, field, "FieldValueNotFound").await;
    });
}

#[test]
fn a_volume_has_a_name_of_its_own() {
    case(async |world| {
        let volume = json!({"name": "v", "emptyDir": {}});
        let volumes = json!([volume, volume]);
        refused(world, "/spec/volumes", volumes, "spec.volumes[1].name", "FieldValueDuplicate").await;
    });
}

#[test]
fn a_variable_has_a_name() {
    case(async |world| {
        let field = "spec.containers[0].env[0].name";
        refused(world, "/spec/containers/0/env", json!([{"value": "x"}]), field, "FieldValueRequired").await;
    });
}

#[test]
fn a_field_of_another_type_is_a_bad_request() {
    case(async |world| {
        let mut body = pod("a");
        body["spec"]["containers"] = json!("none");
        world.post(&world.pods(), &body).await.refused(400, "BadRequest");
    });
}

#[test]
fn a_pod_starts_pending_whatever_it_says() {
    case(async |world| {
        let mut body = pod("a");
        body["status"] = json!({"phase": "Running"});
        assert_eq!(world.made_pod(body).await["status"]["phase"], "Pending");
    });
}

#[test]
fn a_pod_gets_defaults() {
    case(async |world| {
        let mut body = pod("a");
        body["spec"]["containers"] = json!([{"name": "one", "image": "i:1"}, {"name": "two", "image": "i"}]);
        let spec = world.made_pod(body).await["spec"].take();
        assert_eq!(spec["restartPolicy"], "Always");
        assert_eq!(spec["terminationGracePeriodSeconds"], 30);
        assert_eq!(spec["dnsPolicy"], "ClusterFirst");
        assert_eq!(spec["containers"][0]["imagePullPolicy"], "IfNotPresent");
        assert_eq!(spec["containers"][1]["imagePullPolicy"], "Always");
        assert_eq!(spec["containers"][0]["terminationMessagePath"], "/dev/termination-log");
        assert_eq!(spec["containers"][0]["terminationMessagePolicy"], "File");
    });
}

#[test]
fn a_pods_spec_stays() {
    case_of_pod(pod("a"), async |world, _| {
        let patch = json!({"spec": {"restartPolicy": "Never"}});
        let message = world.merge(&world.pod("a"), &patch).await.invalid("spec", "FieldValueForbidden");
        let start = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`";
        assert!(message.starts_with(start), "{message}");
    });
}

#[test]
fn a_pods_image_deadline_and_labels_may_change() {
    case_of_pod(pod("a"), async |world, _| {
        let path = world.pod("a");
        world.merge(&path, &json!({"spec": {"activeDeadlineSeconds": 5}})).await.ok();
        world.merge(&path, &json!({"metadata": {"labels": {"a": "b"}}})).await.ok();
        let patch = json!([{"op": "replace", "path": "/spec/containers/0/image", "value": "j"}]);
        let pod = world.patch(&path, JSON_PATCH, &patch).await.ok();
        assert_eq!(pod["spec"]["containers"][0]["image"], "j");
    });
}

#[test]
fn a_pod_that_runs_nowhere_goes_at_once() {
    case_of_pod(pod("a"), async |world, _| {
        let pod = world.delete(&world.pod("a"), &json!({})).await.ok();
        assert_eq!(pod["kind"], "Pod");
        world.get(&world.pod("a")).await.refused(404, "NotFound");
    });
}

#[test]
fn a_pod_on_a_node_stays_until_that_has_ended_it() {
    case_of_pod(bound("a"), async |world, _| {
        let pod = world.delete(&world.pod("a"), &json!({})).await.ok();
        assert_eq!(pod["metadata"]["deletionGracePeriodSeconds"], 30);
        let pod = world.get(&world.pod("a")).await.ok();
        assert!(!text(&pod, "/metadata/deletionTimestamp").is_empty(), "{pod}");
    });
}

#[test]
fn a_pod_with_no_grace_goes_at_once() {
    case_of_pod(bound("a"), async |world, _| {
        world.delete(&world.pod("a"), &json!({"gracePeriodSeconds": 0})).await.ok();
        world.get(&world.pod("a")).await.refused(404, "NotFound");
    });
}

#[test]
fn a_pod_that_has_finished_goes_at_once() {
    case_of_pod(bound("a"), async |world, _| {
        let status = json!({"status": {"phase": "Succeeded"}});
        world.merge(&format!("{}/status", world.pod("a")), &status).await.ok();
        world.delete(&world.pod("a"), &json!({})).await.ok();
        world.get(&world.pod("a")).await.refused(404, "NotFound");
    });
}

#[test]
fn a_grace_period_is_shortened_and_never_lengthened() {
    case_of_pod(bound("a"), async |world, _| {
        let period = async |body: Value| {
            let pod = world.delete(&world.pod("a"), &body).await.ok();
            pod["metadata"]["deletionGracePeriodSeconds"].as_i64()
        };
        assert_eq!(period(json!({"gracePeriodSeconds": 20})).await, Some(20));
        assert_eq!(period(json!({"gracePeriodSeconds": 40})).await, Some(20));
        assert_eq!(period(json!({"gracePeriodSeconds": 10})).await, Some(10));
    });
}

#[test]
fn a_grace_period_below_zero_is_a_second() {
    case_of_pod(bound("a"), async |world, _| {
        let pod = world.delete(&world.pod("a"), &json!({"gracePeriodSeconds": -5})).await.ok();
        assert_eq!(pod["metadata"]["deletionGracePeriodSeconds"], 1);
    });
}

#[test]
fn a_grace_period_may_stand_in_the_query() {
    case_of_pod(bound("a"), async |world, _| {
        world.delete_by_query(&format!("{}?gracePeriodSeconds=0", world.pod("a"))).await.ok();
        world.get(&world.pod("a")).await.refused(404, "NotFound");
    });
}

#[test]
fn a_pod_is_bound_to_one_node_once() {
    case_of_pod(pod("a"), async |world, _| {
        let target = json!({"apiVersion": "v1", "kind": "Node", "name": "nowhere"});
        let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"}, "target": target});
        let path = format!("{}/binding", world.pod("a"));
        assert_eq!(world.post(&path, &binding).await.code, 201);
        assert_eq!(world.get(&world.pod("a")).await.ok()["spec"]["nodeName"], "nowhere");
        world.post(&path, &binding).await.refused(409, "Conflict");
    });
}

#[test]
fn a_deadline_only_comes_closer() {
    case_of_pod(pod("a"), async |world, _| {
        let deadline = async |seconds: Value| {
            let patch = json!({"spec": {"activeDeadlineSeconds": seconds}});
            world.merge(&world.pod("a"), &patch).await
        };
        deadline(json!(60)).await.ok();
        deadline(json!(30)).await.ok();
        for seconds in [json!(31), Value::Null] {
            deadline(seconds).await.invalid("spec.activeDeadlineSeconds", "FieldValueInvalid");
        }
    });
}

#[test]
fn tolerations_are_only_added() {
    case(async |world| {
        let mut body = pod("a");
        let toleration = json!({"key": "example.com/k", "operator": "Exists"});
        body["spec"]["tolerations"] = json!([toleration]);
        world.made_pod(body).await;
        let patch = json!({"spec": {"tolerations": []}});
        world.merge(&world.pod("a"), &patch).await.refused(422, "Invalid");
    });
}

#[test]
fn a_port_has_a_number() {
    case(async |world| {
        for (port, reason) in [(0, "FieldValueRequired"), (70_000, "FieldValueInvalid")] {
            let ports = json!([{"containerPort": port}]);
            let field = "spec.containers[0].ports[0].containerPort";
            refused(world, "/spec/containers/0/ports", ports, field, reason).await;
        }
        let ports = json!([{"containerPort": 80, "protocol": "HTTP"}]);
        let field = "spec.containers[0].ports[0].protocol";
        refused(world, "/spec/containers/0/ports", ports, field, "FieldValueNotSupported").await;
    });
}
