//! Admission of build pods: by OpenShift's SecurityContextConstraints `anyuid`, and by Kubernetes' Pod Security
//! Standard `baseline`.

mod baseline;
mod constraints;

use std::path::Path;

use assert_cmd::Command;
use machine_os_builder::yaml;
use serde_json::{Value, json};

/// Settings of which each may be there or not.
const SETTINGS: [&[&str]; 6] = [
    &["--digest-handoff", "termination-message"],
    &["--build-trusted-ca-config-map", "corporate-ca"],
    &["--build-registries-config-map", "mirrors"],
    &["--build-http-proxy", "http://proxy.test:3128"],
    &["--build-resources", "{requests: {cpu: 1, memory: 2Gi}, limits: {memory: 4Gi, nvidia.com/gpu: 1}}"],
    &[
        "--build-annotations",
        "{openshift.io/required-scc: privileged, container.apparmor.security.beta.kubernetes.io: x}",
    ],
];

/// The build pod by these settings.
fn pod(settings: &[&str]) -> Value {
    let file = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let files = ["pool.yaml", "rendered-machineconfig.yaml", "osimageurl.yaml", "build-config.yaml"].map(file);
    let mut command = Command::cargo_bin("machine-os-builder").unwrap();
    let output = command.arg("render").args(settings).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let documents = yaml::parse(&String::from_utf8(output.stdout).unwrap()).unwrap();
    documents.into_iter().find(|document| document["kind"] == "Pod").unwrap()
}

#[test]
fn build_pods_are_admitted_whatever_the_settings() {
    for chosen in 0..1 << SETTINGS.len() {
        let settings = SETTINGS.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1);
        let settings: Vec<&str> = settings.flat_map(|(_, setting)| setting.iter().copied()).collect();
        let pod = pod(&settings);
        assert_eq!(constraints::refusals(&pod), [] as [String; 0], "{settings:?}");
        assert_eq!(baseline::refusals(&pod), [] as [String; 0], "{settings:?}");
    }
}

/// Puts a value at a place of a pod; objects on the way are made.
fn with(pod: &Value, pointer: &str, value: Value) -> Value {
    let mut pod = pod.clone();
    let mut at = &mut pod;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/");
        at = match part.parse::<usize>() {
            Ok(number) if at.is_array() => &mut at[number],
            _ => &mut at[part.as_str()],
        };
    }
    *at = value;
    pod
}

/// Pods that no cluster should admit: for each rule, one that breaks it, and which of the two checks detect it.
#[test]
fn pods_that_ask_for_more_are_refused() {
    let good = pod(&[]);
    let container = "/spec/containers/0/securityContext";
    let volume = |source: Value| {
        let mut volumes = good["spec"]["volumes"].clone();
        let mut volume = json!({"name": "more"});
        volume.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
        volumes.as_array_mut().unwrap().push(volume);
        volumes
    };
    for (pointer, value, by_constraints, by_baseline) in [
        ("/spec/hostNetwork".to_owned(), json!(true), true, true),
        ("/spec/hostPID".into(), json!(true), true, true),
        ("/spec/hostIPC".into(), json!(true), true, true),
        ("/spec/containers/0/ports".into(), json!([{"containerPort": 80, "hostPort": 80}]), true, true),
        (format!("{container}/privileged"), json!(true), true, true),
        (format!("{container}/capabilities"), json!({"add": ["SETUID", "SETGID"]}), true, false),
        (format!("{container}/capabilities"), json!({"add": ["SYS_ADMIN"]}), true, true),
        (format!("{container}/capabilities"), json!({"drop": ["ALL"], "add": ["MKNOD"]}), true, false),
        ("/spec/initContainers".into(), json!([{"name": "i", "securityContext": {"privileged": true}}]), true, true),
        ("/spec/securityContext/seccompProfile".into(), json!({"type": "RuntimeDefault"}), true, false),
        (format!("{container}/seccompProfile"), json!({"type": "Unconfined"}), true, true),
        (format!("{container}/seLinuxOptions"), json!({"type": "spc_t"}), true, true),
        (format!("{container}/procMount"), json!("Unmasked"), true, true),
        (format!("{container}/windowsOptions"), json!({"hostProcess": true}), false, true),
        ("/spec/securityContext/sysctls".into(), json!([{"name": "kernel.msgmax", "value": "1"}]), true, true),
        ("/spec/volumes".into(), volume(json!({"hostPath": {"path": "/"}})), true, true),
        ("/spec/volumes".into(), volume(json!({"nfs": {"server": "s", "path": "/"}})), true, false),
        ("/metadata/annotations/openshift.io~1required-scc".into(), json!("privileged"), true, false),
    ] {
        let bad = with(&good, &pointer, value.clone());
        assert_eq!(!constraints::refusals(&bad).is_empty(), by_constraints, "{pointer}: {value}");
        assert_eq!(!baseline::refusals(&bad).is_empty(), by_baseline, "{pointer}: {value}");
    }
}

#[test]
fn steps_of_a_build_find_nothing_to_push_with_and_no_token() {
    for settings in [&[][..], SETTINGS[0], SETTINGS[1]] {
        let pod = pod(settings);
        let holders = |volume: &str| -> Vec<&str> {
            let containers = pod["spec"]["containers"].as_array().unwrap().iter();
            let mounts = |container: &&Value| {
                container["volumeMounts"].as_array().unwrap().iter().any(|mount| mount["name"] == volume)
            };
            containers.filter(mounts).map(|container| container["name"].as_str().unwrap()).collect()
        };
        assert_eq!(holders("final-image-push-creds"), ["image-push"]);
        for volume in ["dockerfile", "machineconfig", "base-image-pull-creds"] {
            assert_eq!(holders(volume), ["image-build"], "{volume}");
        }
        assert_eq!(holders("image-layout"), ["image-build", "image-push"]);
        let has_helper = settings != SETTINGS[0];
        assert_eq!(holders("done"), if has_helper { vec!["image-push", "wait-for-done"] } else { vec![] });
        assert_eq!(holders("digest-writer-token"), if has_helper { vec!["wait-for-done"] } else { vec![] });
        assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
        let build = &pod["spec"]["containers"][0]["securityContext"];
        assert_ne!(build["allowPrivilegeEscalation"], false, "users could not be mapped");
    }
}

#[test]
fn every_container_states_what_a_quota_counts() {
    for (resources, counted) in [
        ("{requests: {cpu: 1, memory: 2Gi}}", &[("requests", "cpu"), ("requests", "memory")][..]),
        ("{limits: {memory: 2Gi}}", &[("requests", "memory"), ("limits", "memory")]),
        (
            "{requests: {cpu: 20m, ephemeral-storage: 8Gi}, limits: {cpu: 2, ephemeral-storage: 30Gi}}",
            &[
                ("requests", "cpu"),
                ("limits", "cpu"),
                ("requests", "ephemeral-storage"),
                ("limits", "ephemeral-storage"),
            ],
        ),
    ] {
        let pod = pod(&["--build-resources", resources]);
        for container in pod["spec"]["containers"].as_array().unwrap() {
            for (part, name) in counted {
                // The API server takes a limit for a request that is not there.
                let stated = &container["resources"][part][name];
                let of_limit = &container["resources"]["limits"][name];
                assert!(stated.is_string() || of_limit.is_string(), "{} {part} {name}", container["name"]);
                assert!(
                    container["name"] == "image-build" || stated.is_string(),
                    "{} {part} {name}",
                    container["name"]
                );
            }
        }
    }
}
