use super::super::WAIT_FOR_DONE;
use super::super::disruption::DISRUPTIONS;
use super::super::failure::MORE_MEMORY;
use super::*;
use crate::reconcile::observed::status::{failed, lost};
use serde_json::json;

fn pod(status: Value) -> Object {
    serde_json::from_value(json!({"metadata": {"name": "build-r"}, "status": status})).unwrap()
}

fn ended(name: &str, code: i32, reason: &str, message: &str) -> Value {
    json!({"name": name, "state": {"terminated": {"exitCode": code, "reason": reason, "message": message}}})
}

fn container(name: &str, code: i32, message: &str) -> Value {
    ended(name, code, "", message)
}

fn status(phase: &str, containers: Vec<Value>) -> BuildStatus {
    classify(&pod(json!({"phase": phase, "containerStatuses": containers})))
}

fn digest() -> String {
    format!("sha256:{}", "ab".repeat(32))
}

fn pending(status: Value) -> BuildFailure {
    let found = classify(&pod(status));
    if let BuildStatus::Pending(why) = found { why } else { panic!("pending, not {found:?}") }
}

#[test]
fn phases_are_told_apart() {
    assert_eq!(classify(&pod(Value::Null)), BuildStatus::Pending(BuildFailure::default()));
    assert_eq!(status("Pending", vec![]), BuildStatus::Pending(BuildFailure::default()));
    assert_eq!(status("Running", vec![]), BuildStatus::Running);
    assert_eq!(status("Succeeded", vec![]), BuildStatus::DigestInConfigMap);
    assert!(matches!(status("Failed", vec![]), BuildStatus::Failed(_)));
}

#[test]
fn l15_what_keeps_a_pod_from_starting_is_told_with_the_setting_that_decides_it() {
    for (list, name, reason, hint, cause) in [
        ("containerStatuses", IMAGE_BUILD, "ImagePullBackOff", Some("builderImage"), FailureCause::ImagePull),
        ("containerStatuses", IMAGE_PUSH, "ErrImagePull", Some("builderImage"), FailureCause::ImagePull),
        ("containerStatuses", WAIT_FOR_DONE, "InvalidImageName", Some("baseOSContainerImage"), FailureCause::ImagePull),
        ("containerStatuses", IMAGE_PUSH, "CreateContainerConfigError", Some("Secrets"), FailureCause::ContainerStart),
        ("initContainerStatuses", "istio-init", "ImagePullBackOff", Some("init container"), FailureCause::ImagePull),
        (
            "initContainerStatuses",
            "istio-init",
            "CrashLoopBackOff",
            Some("init container"),
            FailureCause::InitContainer,
        ),
    ] {
        let waiting = json!({"reason": reason, "message": "no such secret"});
        let why = pending(json!({"phase": "Pending", list: [{"name": name, "state": {"waiting": waiting}}]}));
        assert_eq!((why.reason.as_deref(), why.cause), (Some(reason), cause), "{name} {reason}");
        assert!(why.output.expose().starts_with("no such secret (") && why.output.expose().contains(name), "{why:?}");
        assert_eq!(why.hint.map(|given| given.contains(hint.unwrap_or_default())), hint.map(|_| true), "{why:?}");
    }
    let unscheduled =
        json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]);
    let why = pending(json!({"phase": "Pending", "conditions": unscheduled}));
    assert_eq!((why.reason.as_deref(), why.output.expose().as_str()), (Some("Unschedulable"), "0/3 nodes"));
    let starting = json!([{"name": IMAGE_BUILD, "state": {"waiting": {"reason": "PodInitializing"}}}]);
    assert!(pending(json!({"phase": "Pending", "containerStatuses": starting})).is_empty());
}

#[test]
fn a_digest_as_termination_message_is_success_whatever_became_of_the_helper() {
    for phase in ["Running", "Succeeded", "Failed"] {
        let containers = vec![container(IMAGE_BUILD, 0, &digest()), container(WAIT_FOR_DONE, 1, "")];
        assert_eq!(status(phase, containers), BuildStatus::Succeeded(Digest::parse(&digest()).unwrap()));
        let containers = vec![
            container(IMAGE_BUILD, 0, ""),
            container(IMAGE_PUSH, 0, &digest()),
            container(WAIT_FOR_DONE, 1, "no token"),
        ];
        assert_eq!(status(phase, containers), BuildStatus::Succeeded(Digest::parse(&digest()).unwrap()));
    }
}

#[test]
fn the_container_that_users_steps_run_in_is_not_believed_where_another_pushes() {
    let forged = format!("sha256:{}", "ff".repeat(32));
    let waiting = json!({"name": IMAGE_PUSH, "state": {"waiting": {"reason": "ContainerCreating"}}});
    let running = json!({"name": IMAGE_PUSH, "state": {"running": {}}});
    for push in [waiting, running] {
        let found = status("Running", vec![container(IMAGE_BUILD, 0, &forged), push]);
        assert_eq!(found, BuildStatus::Running);
    }
    let containers = vec![container(IMAGE_BUILD, 0, &forged), container(IMAGE_PUSH, 0, &digest())];
    assert_eq!(status("Succeeded", containers), BuildStatus::Succeeded(Digest::parse(&digest()).unwrap()));
    let containers = vec![container(IMAGE_BUILD, 0, &forged), container(IMAGE_PUSH, 0, "no digest")];
    assert!(lost(status("Succeeded", containers)).output.expose().contains("without a digest"));
}

#[test]
fn l41_an_exit_without_a_digest_is_no_success_yet() {
    assert_eq!(status("Running", vec![container(IMAGE_BUILD, 0, "sha256:no")]), BuildStatus::Running);
    assert_eq!(status("Failed", vec![container(IMAGE_BUILD, 0, "")]), BuildStatus::DigestInConfigMap);
}

#[test]
fn l13_a_dead_build_container_is_a_failed_build_while_the_pod_still_runs() {
    let containers = vec![container(IMAGE_BUILD, 20, "no such package"), container(IMAGE_PUSH, 1, "it was not built")];
    for phase in ["Running", "Failed"] {
        let found = failed(status(phase, containers.clone()));
        let expected = BuildFailure {
            step: "building the image".into(),
            container: Some(IMAGE_BUILD.into()),
            exit_code: Some(20),
            output: Sensitive::new("no such package".into()),
            cause: FailureCause::Build,
            ..BuildFailure::default()
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn exit_codes_tell_what_may_be_tried_again_and_why() {
    for (name, code, is_lost, cause) in [
        (IMAGE_BUILD, 10, false, FailureCause::BadPayload),
        (IMAGE_BUILD, 20, false, FailureCause::Build),
        (IMAGE_BUILD, 30, true, FailureCause::Lost),
        (IMAGE_BUILD, 31, false, FailureCause::PullDenied),
        (IMAGE_BUILD, 32, false, FailureCause::PullFailed),
        (IMAGE_BUILD, 40, true, FailureCause::Lost),
        (IMAGE_PUSH, 40, true, FailureCause::Lost),
        (IMAGE_PUSH, 41, false, FailureCause::PushDenied),
        (IMAGE_PUSH, 42, false, FailureCause::PushFailed),
        (IMAGE_PUSH, 1, false, FailureCause::Other),
        (IMAGE_BUILD, 137, false, FailureCause::Other),
        (IMAGE_BUILD, 143, false, FailureCause::Other),
    ] {
        let containers = match name {
            IMAGE_PUSH => vec![container(IMAGE_BUILD, 0, ""), container(IMAGE_PUSH, code, "words")],
            _ => vec![container(name, code, "words")],
        };
        let found = status("Failed", containers);
        let failure = if is_lost { lost(found) } else { failed(found) };
        assert_eq!((failure.cause, failure.exit_code), (cause, Some(code)), "{name} {code}");
        assert_eq!(failure.output.expose(), "words");
    }
}

#[test]
fn a_node_whose_disk_is_full_loses_the_build_whatever_the_exit_code() {
    for (code, words) in [
        (20, "Error: committing container: write /usr/lib/x: no space left on device\nfailed to build the image"),
        (10, "cp: error writing '/tmp/build.x/machineconfig.json.gz': No space left on device"),
        (20, "write /var/tmp/x: disk quota exceeded"),
    ] {
        let loss = lost(status("Failed", vec![container(IMAGE_BUILD, code, words)]));
        assert_eq!((loss.exit_code, loss.cause), (Some(code), FailureCause::Lost), "{words}");
    }
}

#[test]
fn the_runtimes_word_for_an_end_is_named_with_what_mends_it() {
    for (name, code, reason, hint, cause) in [
        (IMAGE_BUILD, 137, "OOMKilled", "memory", FailureCause::OutOfMemory),
        (IMAGE_PUSH, 137, "OOMKilled", "memory", FailureCause::OutOfMemory),
        (IMAGE_BUILD, 127, "ContainerCannotRun", "builderImage", FailureCause::ContainerStart),
        (IMAGE_BUILD, 128, "StartError", "builderImage", FailureCause::ContainerStart),
    ] {
        let failure = failed(status("Failed", vec![ended(name, code, reason, "")]));
        assert_eq!((failure.reason.as_deref(), failure.cause), (Some(reason), cause));
        assert!(failure.hint.is_some_and(|given| given.contains(hint)), "{failure:?}");
    }
    assert_eq!(failed(status("Failed", vec![ended(IMAGE_BUILD, 20, "Error", "")])).reason, None);
}

#[test]
fn an_init_container_that_failed_is_named() {
    for (name, code, message) in [("vault-agent-init", 1, "permission denied on kv/build"), ("istio-init", 255, "")] {
        let waiting = json!({"name": IMAGE_BUILD, "state": {"waiting": {"reason": "PodInitializing"}}});
        let failure = failed(classify(&pod(json!({
            "phase": "Failed", "containerStatuses": [waiting],
            "initContainerStatuses": [container("first", 0, ""), container(name, code, message)],
        }))));
        assert_eq!(failure.step, format!("running the init container {name}"));
        assert_eq!((failure.exit_code, failure.output.expose().as_str()), (Some(code), message));
        assert_eq!(failure.cause, FailureCause::InitContainer);
    }
}

#[test]
fn a_sidecar_that_failed_is_named() {
    let failure = failed(status("Failed", vec![container("vault-agent", 2, "no route")]));
    assert_eq!(failure.step, "running the container vault-agent");
    assert_eq!(failure.output.expose(), "no route");
}

#[test]
fn l14_what_the_cluster_took_away_is_lost_not_failed() {
    for reason in DISRUPTIONS {
        let loss = lost(classify(&pod(json!({"phase": "Failed", "reason": reason, "message": "node is going"}))));
        assert_eq!((loss.reason.as_deref(), loss.output.expose().as_str()), (Some(reason), "node is going"));
    }
    let condition = json!([{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]);
    let loss = lost(classify(&pod(json!({
        "phase": "Failed", "conditions": condition, "containerStatuses": [container(IMAGE_BUILD, 137, "")],
    }))));
    assert_eq!(loss.reason.as_deref(), Some("PreemptionByScheduler"));
}

#[test]
fn a_pod_that_its_kubelet_refused_is_lost_whatever_the_word_for_it() {
    for reason in [
        "OutOfcpu",
        "OutOfmemory",
        "OutOfpods",
        "OutOfephemeral-storage",
        "NodeAffinity",
        "TopologyAffinityError",
        "UnexpectedAdmissionError",
        "SMTAlignmentError",
        "PodOSNotSupported",
        "SomethingNew",
    ] {
        let waiting = json!({"name": IMAGE_BUILD, "state": {"waiting": {"reason": "ContainerCreating"}}});
        for containers in [json!([]), json!([waiting])] {
            let status = json!({
                "phase": "Failed", "reason": reason, "message": "Pod was rejected", "containerStatuses": containers,
            });
            let loss = lost(classify(&pod(status)));
            assert_eq!((loss.reason.as_deref(), loss.output.expose().as_str()), (Some(reason), "Pod was rejected"));
        }
    }
}

#[test]
fn a_container_of_which_nothing_is_known_any_more_is_lost() {
    let unknown = ended(IMAGE_BUILD, 137, "ContainerStatusUnknown", "The container could not be located");
    assert_eq!(lost(status("Failed", vec![unknown])).reason.as_deref(), Some("ContainerStatusUnknown"));
    let unknown = ended(IMAGE_PUSH, 137, "ContainerStatusUnknown", "");
    assert_eq!(lost(status("Failed", vec![container(IMAGE_BUILD, 0, ""), unknown])).exit_code, None);
}

#[test]
fn a_build_that_took_too_long_says_so() {
    let failure = failed(classify(&pod(json!({"phase": "Failed", "reason": "DeadlineExceeded", "message": "late"}))));
    assert_eq!((failure.cause, failure.output.expose().as_str()), (FailureCause::Deadline, "late"));
}

#[test]
fn a_bare_failure_is_the_users() {
    let failure = failed(status("Failed", vec![]));
    assert_eq!((failure.cause, failure.reason, failure.exit_code), (FailureCause::Other, None, None));
}

#[test]
fn l14_an_eviction_is_told_while_the_pod_is_on_its_way_out() {
    let condition = json!([{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "evicting"}]);
    let mut pod = pod(json!({"phase": "Running", "conditions": condition}));
    assert_eq!(classify(&pod), BuildStatus::Running);
    let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    pod.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
    assert_eq!(lost(classify(&pod)).reason.as_deref(), Some("EvictionByEvictionAPI"));
}

#[test]
fn a_lack_of_memory_is_known_in_all_its_forms() {
    let runc = "unable to start container process: container init was OOM-killed (memory limit too low?): unknown";
    let crun = "container create failed: OOM: the memory limit could be too low: read from the init process";
    for message in [runc, crun] {
        let failure = failed(status("Failed", vec![ended(IMAGE_BUILD, 128, "StartError", message)]));
        assert_eq!((failure.cause, failure.hint), (FailureCause::OutOfMemory, Some(MORE_MEMORY)), "{message}");
        let waiting = json!({"waiting": {"reason": "CreateContainerError", "message": message}});
        let why = pending(json!({"phase": "Pending", "containerStatuses": [{"name": IMAGE_BUILD, "state": waiting}]}));
        assert_eq!((why.cause, why.hint), (FailureCause::OutOfMemory, Some(MORE_MEMORY)), "{message}");
    }
    let step = "failed to build the image: Killed\nError: building at STEP \"RUN make\": exit status 137";
    for (code, message, cause) in [(20, step, FailureCause::Build), (137, "", FailureCause::Other)] {
        let failure = failed(status("Failed", vec![container(IMAGE_BUILD, code, message)]));
        assert!(failure.hint.is_some_and(|hint| hint.starts_with(MORE_MEMORY)), "{failure:?}");
        assert_eq!(failure.cause, cause);
    }
    let failure = failed(classify(&pod(json!({
        "phase": "Failed", "containerStatuses": [],
        "initContainerStatuses": [container("first", 0, ""), ended("istio-init", 0, "OOMKilled", "")],
    }))));
    assert_eq!((failure.container.as_deref(), failure.reason.as_deref()), (Some("istio-init"), Some("OOMKilled")));
    assert!(failure.hint.is_some_and(|hint| hint.contains("memory limit of this init container")), "{failure:?}");
}

#[test]
fn l15_an_init_container_that_does_not_end_is_named() {
    let running = json!({"name": "vault-agent-init", "state": {"running": {}}, "started": true});
    let why = pending(json!({"phase": "Pending", "initContainerStatuses": [running]}));
    assert_eq!(why.output.expose(), "init container vault-agent-init has not ended");
    assert_eq!((why.cause, why.reason), (FailureCause::InitContainer, None));
    for started in [false, true] {
        let sidecar = json!({"name": "istio-proxy", "state": {"running": {}}, "started": started});
        let mut pod = pod(json!({"phase": "Pending", "initContainerStatuses": [sidecar]}));
        pod.data["spec"] = json!({"initContainers": [{"name": "istio-proxy", "restartPolicy": "Always"}]});
        let BuildStatus::Pending(why) = classify(&pod) else { panic!("pending") };
        assert_eq!(why.is_empty(), started, "{why:?}");
    }
}

#[test]
fn l15_only_what_a_pod_waits_for_is_advised_on() {
    let root = "container has runAsNonRoot and image will run as root (pod: \"x\", container: image-build)";
    for (message, is_advised) in [(root, false), ("secret \"push\" not found", true)] {
        let waiting = json!({"waiting": {"reason": "CreateContainerConfigError", "message": message}});
        let why = pending(json!({"phase": "Pending", "containerStatuses": [{"name": IMAGE_BUILD, "state": waiting}]}));
        assert_eq!(why.hint.is_some(), is_advised, "{why:?}");
    }
    let gated = json!([{
        "type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "Scheduling is blocked",
    }]);
    let mut pod = pod(json!({"phase": "Pending", "conditions": gated}));
    pod.data["spec"] = json!({"schedulingGates": [{"name": "kueue.example.com/admission"}]});
    let BuildStatus::Pending(why) = classify(&pod) else { panic!("pending") };
    assert!(why.output.expose().contains("kueue.example.com/admission"), "{why:?}");
    assert!(why.hint.is_some_and(|hint| !hint.contains("nodeSelector")), "{why:?}");
}
