//! The Pod Security Standard `baseline` of Kubernetes.

use serde_json::Value;

use super::constraints::containers;

/// Capabilities that may be added.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
const SELINUX_TYPES: [&str; 5] = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
const SYSCTLS: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
];

/// The violations of a pod.
pub(super) fn refusals(pod: &Value) -> Vec<String> {
    let spec = &pod["spec"];
    let mut refused: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| spec[field] == true)
        .map(str::to_owned)
        .collect();
    let volumes = spec["volumes"].as_array().into_iter().flatten();
    refused.extend(volumes.filter(|volume| !volume["hostPath"].is_null()).map(|volume| volume["name"].to_string()));
    let sysctls = spec["securityContext"]["sysctls"].as_array().into_iter().flatten();
    let is_safe = |sysctl: &&Value| SYSCTLS.contains(&sysctl["name"].as_str().unwrap());
    refused.extend(sysctls.filter(|sysctl| !is_safe(sysctl)).map(Value::to_string));
    refused.extend(of_context("pod", &spec["securityContext"]));
    for container in containers(spec) {
        let (name, context) = (container["name"].to_string(), &container["securityContext"]);
        refused.extend(of_context(&name, context));
        if context["privileged"] == true {
            refused.push(format!("{name}: privileged"));
        }
        let added = context["capabilities"]["add"].as_array().into_iter().flatten();
        refused.extend(added.filter(|added| !CAPABILITIES.contains(&added.as_str().unwrap())).map(Value::to_string));
        if !matches!(context["procMount"].as_str(), None | Some("Default")) {
            refused.push(format!("{name}: procMount"));
        }
        let mut ports = container["ports"].as_array().into_iter().flatten();
        if ports.any(|port| port["hostPort"].as_u64().unwrap_or(0) != 0) {
            refused.push(format!("{name}: hostPort"));
        }
    }
    refused
}

/// The violations of a security context, of a pod or a container.
fn of_context(name: &str, context: &Value) -> Vec<String> {
    let text = |pointer: &str| context.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let rules = [
        ("seccompProfile", text("/seccompProfile/type") != "Unconfined"),
        ("appArmorProfile", text("/appArmorProfile/type") != "Unconfined"),
        ("seLinuxOptions.type", SELINUX_TYPES.contains(&text("/seLinuxOptions/type"))),
        ("seLinuxOptions.user", text("/seLinuxOptions/user").is_empty()),
        ("seLinuxOptions.role", text("/seLinuxOptions/role").is_empty()),
        ("hostProcess", context.pointer("/windowsOptions/hostProcess") != Some(&Value::Bool(true))),
    ];
    rules.into_iter().filter(|(_, is_good)| !is_good).map(|(rule, _)| format!("{name}: {rule}")).collect()
}
