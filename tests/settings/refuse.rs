//! Settings that cannot be used, and what is said of each: its field, its value, and what would do.

use machine_os_builder::settings::{Settings, flag_of, parse, variable};

use crate::program::Program;

const NAME: &str = "a name of lower-case letters, digits, - and ., that begins and ends with a letter or a digit";
const KEY: &str = "NAME or DOMAIN/NAME, with a name of at most 63 letters, digits, -, _ and ., that begins and ends with a \
    letter or a digit";
const VALUE: &str = "at most 63 letters, digits, -, _ and ., that begin and end with a letter or a digit, or nothing";
const PROXY: &str = "a URL as in http://proxy.example.com:3128, of http or https, with a user and a password or without, \
    and without a path";

/// What is said of each line that can be read, but not used.
#[test]
fn what_kubernetes_would_refuse_is_refused_at_start() {
    let resources = "build.resources";
    let quantity = "an amount as in 2, 500m or 4Gi";
    let toleration = "build.tolerations[0]";
    let cases: Vec<(&str, String)> = vec![
        ("namespace: a.b", format!("namespace|\"a.b\"|the name of a namespace: at most 63 lower-case letters, digits and -, that begins and ends with a letter or a digit")),
        ("maxAttempts: 0", "maxAttempts|0|at least 1".into()),
        ("pendingDeadline: 0s", "pendingDeadline|0s|from 1s to 2147483647s".into()),
        ("buildDeadline: 200y", "buildDeadline|200years|from 1s to 2147483647s".into()),
        ("leaderElection: {retryPeriod: 10s}", "leaderElection.renewDeadline|10s|longer than retryPeriod, which is 10s".into()),
        ("leaderElection: {leaseDuration: 5s}", "leaderElection.leaseDuration|5s|longer than renewDeadline, which is 10s".into()),
        ("leaderElection: {retryPeriod: 0s}", "leaderElection.retryPeriod|0s|longer than 0s".into()),
        ("build: {builderImage: 'https://a.test/b'}", "build.builderImage|\"https://a.test/b\"|the reference of an image: leave out the scheme".into()),
        ("build: {builderImage: ''}", "build.builderImage|\"\"|the reference of an image: write registry-host/repository:tag".into()),
        ("build: {resources: {limits: {memory: 4GB}}}", format!("{resources}.limits.memory|\"4GB\"|{quantity}")),
        ("build: {resources: {requests: {cpu: -1}}}", format!("{resources}.requests.cpu|\"-1\"|{quantity}")),
        ("build: {resources: {requests: {mem: 1}}}", format!("{resources}.requests|\"mem\"|the name of a resource: cpu, memory, ephemeral-storage, hugepages-SIZE or DOMAIN/NAME")),
        ("build: {resources: {requests: {cpu: 2}, limits: {cpu: 1900m}}}", format!("{resources}.limits.cpu|\"1900m\"|at least what is requested, which is 2")),
        ("build: {nodeSelector: {a b: c}}", format!("build.nodeSelector|\"a b\"|a key: {KEY}")),
        ("build: {nodeSelector: {a.test/b: c d}}", format!("build.nodeSelector[a.test/b]|\"c d\"|{VALUE}")),
        ("build: {tolerations: [{key: a/b/c, operator: Exists}]}", format!("{toleration}.key|\"a/b/c\"|{KEY}")),
        ("build: {tolerations: [{effect: NoSchedule}]}", format!("{toleration}.operator|Equal|Exists where there is no key")),
        ("build: {tolerations: [{key: a, operator: Exists, value: b}]}", format!("{toleration}.value|\"b\"|left out where the operator is Exists")),
        ("build: {tolerations: [{key: a, value: b c}]}", format!("{toleration}.value|\"b c\"|{VALUE}")),
        ("build: {tolerations: [{key: a, effect: NoSchedule, tolerationSeconds: 5}]}", format!("{toleration}.tolerationSeconds|5|left out unless the effect is NoExecute")),
        ("build: {priorityClassName: High}", format!("build.priorityClassName|\"High\"|{NAME}")),
        ("build: {labels: {-a: b}}", format!("build.labels|\"-a\"|a key: {KEY}")),
        ("build: {labels: {machineconfiguration.openshift.io/buildPod: x}}", "build.labels|\"machineconfiguration.openshift.io/buildPod\"|a key of another domain than machineconfiguration.openshift.io".into()),
        ("build: {annotations: {a/: b}}", format!("build.annotations|\"a/\"|a key: {KEY}")),
        ("build: {annotations: {MachineConfiguration.openshift.io/x: y}}", "build.annotations|\"MachineConfiguration.openshift.io/x\"|a key of another domain than machineconfiguration.openshift.io".into()),
        ("build: {proxy: {httpProxy: 'proxy.test:3128'}}", format!("build.proxy.httpProxy|\"proxy.test:3128\"|{PROXY}")),
        ("build: {proxy: {httpsProxy: 'socks5://bob:s3cr3t@proxy.test'}}", format!("build.proxy.httpsProxy|\"socks5://[redacted]@proxy.test\"|{PROXY}")),
        ("build: {proxy: {httpsProxy: 'http://proxy.test:99999'}}", format!("build.proxy.httpsProxy|\"http://proxy.test:99999\"|{PROXY}")),
        ("build: {proxy: {httpsProxy: 'http://proxy.test/path'}}", format!("build.proxy.httpsProxy|\"http://proxy.test/path\"|{PROXY}")),
        ("build: {proxy: {noProxy: 'a.test, b.test'}}", "build.proxy.noProxy|\"a.test, b.test\"|hosts, domains and networks, separated by commas, without white space".into()),
        ("build: {trustedCaConfigMap: Corporate_CA}", format!("build.trustedCaConfigMap|\"Corporate_CA\"|{NAME}")),
        ("build: {trustedCaKey: a/b}", "build.trustedCaKey|\"a/b\"|a key of a ConfigMap: at most 253 letters, digits, -, _ and .".into()),
        ("build: {registriesConfigMap: '..'}", format!("build.registriesConfigMap|\"..\"|{NAME}")),
    ];
    for (text, expected) in cases {
        let [field, value, allowed] = expected.split('|').collect::<Vec<_>>().try_into().unwrap();
        let faults = parse::<Settings>(text).unwrap().check().unwrap_err();
        let flag = flag_of(field).unwrap();
        let name = variable(flag);
        let said = format!("{field} (--{flag}, {name}): {value} cannot be used; it has to be {allowed}");
        assert_eq!(faults.to_string(), said, "{text}");
    }
}

/// What is said of each text that cannot even be read.
#[test]
fn what_cannot_be_read_is_told_with_its_field_value_and_line() {
    for (text, expected) in [
        (
            "maxConcurrentBuilds: many",
            "maxConcurrentBuilds: \"many\" is no whole number from 0 on at line 1, column 22",
        ),
        ("maxAttempts: -1", "maxAttempts: \"-1\" is no whole number from 0 on at line 1, column 14"),
        (
            "\npendingDeadline: 10",
            "pendingDeadline: \"10\" is no time (time unit needed, for example 10sec or 10ms); write one as in 90s or 10m at line 2, column 18",
        ),
        (
            "adminListen: here",
            "adminListen: \"here\" is no address; write one as in 127.0.0.1:8797 or [::]:8797 at line 1, column 14",
        ),
        (
            "leaderElection:\n  enabled: maybe",
            "leaderElection.enabled: \"maybe\" is neither true nor false at line 2, column 12",
        ),
        (
            "build:\n  isolation: chrot",
            "build.isolation: unknown variant `chrot`, expected one of chroot, oci, rootless at line 2, column 14",
        ),
        (
            "build:\n  storageDriver: btrfs",
            "build.storageDriver: unknown variant `btrfs`, expected one of vfs, overlay at line 2, column 18",
        ),
        ("logFormat: xml", "logFormat: unknown variant `xml`, expected one of human, json at line 1, column 12"),
        (
            "build:\n  digestHandoff: mail",
            "build.digestHandoff: unknown variant `mail`, expected one of configmap, termination-message at line 2, column 18",
        ),
        (
            "build:\n  tolerations:\n  - key: a\n    operator: Exist",
            "build.tolerations[0].operator: unknown variant `Exist`, expected one of Exists, Equal at line 4, column 15",
        ),
        (
            "build:\n  tolerations:\n  - key: a\n    efect: NoSchedule",
            "build.tolerations[0].efect: unknown field `efect`, expected one of key, operator, value, effect, tolerationSeconds at line 4, column 5",
        ),
        (
            "build: {tolerations: [{key: a, effect: NoExecute, tolerationSeconds: long}]}",
            "build.tolerations[0].tolerationSeconds: \"long\" cannot be used: invalid i64 at line 1, column 70",
        ),
        (
            "build: {resources: {claims: []}}",
            "build.resources.claims: unknown field `claims`, expected one of requests, limits at line 1, column 21",
        ),
        ("build:\n  labels: 5", "build.labels: 5 cannot be used: expected mapping start at line 2, column 11"),
        (
            "build: {nodeSelector: {a: [b]}}",
            "build.nodeSelector.a: a list cannot be used: expected string scalar at line 1, column 27",
        ),
        ("build:", "build: null cannot be used: expected mapping start at line 1, column 6"),
        ("[]", "a list cannot be used: expected mapping start at line 1, column 1"),
        ("namespace: a\n---\nnamespace: b", "there is more than one document in it"),
    ] {
        let error = parse::<Settings>(text).unwrap_err();
        assert_eq!(error, expected, "{text}");
    }
    let unknown = parse::<Settings>("nmaespace: x").unwrap_err();
    assert!(unknown.starts_with("nmaespace: unknown field `nmaespace`, expected one of namespace, "), "{unknown}");
    let twice = parse::<Settings>("namespace: a\nnamespace: b").unwrap_err();
    assert!(twice.contains("duplicate") && twice.contains("line 2"), "{twice}");
}

#[test]
fn no_password_is_quoted_from_a_file() {
    for text in [
        "build:\n  proxy:\n    httpProxy: http://bob:s3cr3t@a.test\n    noProxi: x",
        "build:\n  proxy: http://bob:s3cr3t@a.test",
        "build:\n  proxy:\n    httpProxy: http://bob:s3cr3t@a.test\n  labels: [",
        "build:\n  proxy:\n    httpProxy: [http://bob:s3cr3t@a.test]",
    ] {
        let error = parse::<Settings>(text).unwrap_err();
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}

#[test]
fn all_that_cannot_be_used_is_told_at_once_whatever_it_comes_from() {
    let program = Program::new()
        .file("maxAttempts: 0\nbuild:\n  isolation: oci\n  priorityClassName: A\n")
        .variable("NAMESPACE", "Not_A_Name")
        .flag("--build-http-proxy=here");
    let refusal = program.refusal(1);
    let lines: Vec<&str> = refusal.lines().collect();
    assert_eq!(lines[0], "error: 4 settings cannot be used:");
    let begins = [
        "namespace (--namespace, NAMESPACE): ",
        "maxAttempts (",
        "build.proxy.httpProxy (",
        "build.priorityClassName (",
    ];
    assert_eq!(lines.len(), 1 + begins.len(), "{refusal}");
    for (line, begin) in lines[1..].iter().zip(begins) {
        assert!(line.strip_prefix("  ").unwrap().starts_with(begin), "{line}");
    }
}

#[test]
fn what_a_flag_or_a_variable_cannot_mean_is_told_with_its_name() {
    for (flag, expected) in [
        (
            "--build-isolation=chrot",
            "invalid value 'chrot' for '--build-isolation <HOW>'\n  [possible values: chroot, oci, rootless]",
        ),
        ("--build-deadline=soon", "invalid value 'soon' for '--build-deadline <TIME>': \"soon\" is no time"),
        (
            "--build-tolerations=[{ky: a}]",
            "for '--build-tolerations <YAML>': [0].ky: unknown field `ky`, expected one of key, operator,",
        ),
        (
            "--build-node-selector=infra",
            "invalid value 'infra' for '--build-node-selector <YAML>': \"infra\" cannot be used: expected mapping start",
        ),
        (
            "--build-resources={cpu: 1}",
            "for '--build-resources <YAML>': cpu: unknown field `cpu`, expected one of requests, limits",
        ),
    ] {
        let refusal = Program::new().flag(flag).refusal(2);
        assert!(refusal.contains(expected), "{refusal}");
        let (name, value) = flag.trim_start_matches("--").split_once('=').unwrap();
        let by_variable = Program::new().variable(&variable(name), value);
        assert_eq!(by_variable.refusal(2), refusal);
    }
}

#[test]
fn a_file_that_is_not_there_is_told_of() {
    let refusal = Program::new().flag("--config=/nonexistent/settings.yaml").refusal(1);
    assert!(refusal.starts_with("error: failed to read /nonexistent/settings.yaml: No such file"), "{refusal}");
    let refusal = Program::new().file("build: {isolation: none}").refusal(1);
    assert!(refusal.starts_with("error: failed to read settings.yaml as settings: build.isolation: "), "{refusal}");
}

#[test]
fn render_and_simulate_refuse_the_same() {
    for (command, arguments) in [("render", &["pool.yaml"][..]), ("simulate", &[])] {
        let printed = Program::new().file("build: {trustedCaConfigMap: A}").run(command, arguments);
        assert_eq!(printed.code, Some(1), "{printed:?}");
        assert!(printed.stderr.contains("build.trustedCaConfigMap (--build-trusted-ca-config-map, "), "{printed:?}");
    }
}
