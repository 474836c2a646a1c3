//! OpenShift's SecurityContextConstraints `anyuid`: any user, SELinux as the namespace has it, and no privilege.

use serde_json::Value;

/// The kinds of volumes that it allows.
const VOLUMES: [&str; 8] =
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

/// The violations of a pod.
pub(super) fn refusals(pod: &Value) -> Vec<String> {
    let mut refused = Vec::new();
    let mut check = |is_good: bool, what: String| {
        if !is_good {
            refused.push(what);
        }
    };
    let spec = &pod["spec"];
    let required = &pod["metadata"]["annotations"]["openshift.io/required-scc"];
    check(required == "anyuid", format!("the annotation asks for {required}"));
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        check(spec[field] != true, field.to_owned());
    }
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let mut sources = volume.as_object().unwrap().keys().filter(|key| *key != "name");
        check(sources.all(|source| VOLUMES.contains(&source.as_str())), format!("volume {}", volume["name"]));
    }
    let of_pod = &spec["securityContext"];
    // The list of its seccompProfiles is empty, and it mutates none in.
    check(of_pod["seccompProfile"].is_null(), "seccompProfile".to_owned());
    check(of_pod["seLinuxOptions"].is_null(), "seLinuxOptions".to_owned());
    check(of_pod["sysctls"].as_array().is_none_or(Vec::is_empty), "sysctls".to_owned());
    let annotations = pod["metadata"]["annotations"].as_object().into_iter().flatten();
    for (key, _) in annotations {
        check(!key.starts_with("seccomp.security.alpha.kubernetes.io/"), key.clone());
    }
    for container in containers(spec) {
        let (name, context) = (&container["name"], &container["securityContext"]);
        check(context["privileged"] != true, format!("{name}: privileged"));
        // Neither allowedCapabilities nor defaultAddCapabilities has any; requiredDropCapabilities adds MKNOD to drops.
        let added = context["capabilities"]["add"].as_array().is_none_or(Vec::is_empty);
        check(added, format!("{name}: added capabilities"));
        for field in ["seccompProfile", "seLinuxOptions", "procMount"] {
            check(context[field].is_null(), format!("{name}: {field}"));
        }
        let mut ports = container["ports"].as_array().into_iter().flatten();
        check(ports.all(|port| port["hostPort"].is_null()), format!("{name}: hostPort"));
    }
    refused
}

/// All containers of a pod, of each kind.
pub(super) fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    let kinds = ["initContainers", "containers", "ephemeralContainers"];
    kinds.into_iter().flat_map(|kind| spec[kind].as_array().into_iter().flatten())
}
