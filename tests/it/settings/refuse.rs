//! Invalid settings, and the error for each: its field, its value, and a valid alternative.

use machine_os_builder::settings::{Settings, flag_of, parse, variable};

use super::program::Program;

const NAME: &str = "a name of lower-case letters, digits, - and ., that begins and ends with a letter or a digit";
const KEY: &str = "NAME or DOMAIN/NAME, with a name of at most 63 letters, digits, -, _ and ., that begins and ends with a \
    letter or a digit";
const A_KEY: &str = "a key: NAME or DOMAIN/NAME, with a name of at most 63 letters, digits, -, _ and ., that begins and ends \
    with a letter or a digit";
const OWN_KEY: &str = "\"machineconfiguration.openshift.io/x\"";
const OTHER_KEY: &str = "a key of another domain than machineconfiguration.openshift.io";
const NAMESPACE: &str = "the name of a namespace: at most 63 lower-case letters, digits and -, that begins and ends with a \
    letter or a digit";
const DEADLINE: &str = "from 1s to 2147483647s";
const IMAGE: &str = "the reference of an image: write registry-host/repository:tag";
const IMAGE_SCHEME: &str = "the reference of an image: leave out the scheme";
const QUANTITY: &str = "an amount as in 2, 500m or 4Gi";
const RESOURCE: &str = "the name of a resource: cpu, memory, ephemeral-storage, hugepages-SIZE or DOMAIN/NAME";
const LIMIT: &str = "at least what is requested, which is 2";
const NO_VALUE: &str = "left out where the operator is Exists";
const NO_SECONDS: &str = "left out unless the effect is NoExecute";
const HOSTS: &str = "hosts, domains and networks, separated by commas, without white space";
const CONFIG_KEY: &str = "a key of a ConfigMap: at most 253 letters, digits, -, _ and .";
const VALUE: &str = "at most 63 letters, digits, -, _ and ., that begin and end with a letter or a digit, or nothing";
const PROXY: &str = "a URL as in http://proxy.example.com:3128, of http or https, with a user and a password or without, \
    and without a path";

/// The error for each invalid value: its field, its value, and a valid alternative.
const UNUSABLE: [[&str; 4]; 33] = [
    ["namespace: a.b", "namespace", "\"a.b\"", NAMESPACE],
    ["maxAttempts: 0", "maxAttempts", "0", "at least 1"],
    ["pendingDeadline: 0s", "pendingDeadline", "0s", DEADLINE],
    ["buildDeadline: 200y", "buildDeadline", "200years", DEADLINE],
    ["leaderElection: {retryPeriod: 0s}", "leaderElection.retryPeriod", "0s", "longer than 0s"],
    [
        "leaderElection: {retryPeriod: 10s}",
        "leaderElection.renewDeadline",
        "10s",
        "longer than retryPeriod, which is 10s",
    ],
    [
        "leaderElection: {leaseDuration: 5s}",
        "leaderElection.leaseDuration",
        "5s",
        "longer than renewDeadline, which is 10s",
    ],
    ["build: {builderImage: 'https://a.test/b'}", "build.builderImage", "\"https://a.test/b\"", IMAGE_SCHEME],
    ["build: {builderImage: ''}", "build.builderImage", "\"\"", IMAGE],
    ["build: {resources: {limits: {memory: 4GB}}}", "build.resources.limits.memory", "\"4GB\"", QUANTITY],
    ["build: {resources: {requests: {cpu: -1}}}", "build.resources.requests.cpu", "\"-1\"", QUANTITY],
    ["build: {resources: {requests: {mem: 1}}}", "build.resources.requests", "\"mem\"", RESOURCE],
    [
        "build: {resources: {requests: {cpu: 2}, limits: {cpu: 1900m}}}",
        "build.resources.limits.cpu",
        "\"1900m\"",
        LIMIT,
    ],
    ["build: {nodeSelector: {a b: c}}", "build.nodeSelector", "\"a b\"", A_KEY],
    ["build: {nodeSelector: {a.test/b: c d}}", "build.nodeSelector[a.test/b]", "\"c d\"", VALUE],
    ["build: {tolerations: [{key: a/b/c, operator: Exists}]}", "build.tolerations[0].key", "\"a/b/c\"", KEY],
    [
        "build: {tolerations: [{effect: NoSchedule}]}",
        "build.tolerations[0].operator",
        "Equal",
        "Exists where there is no key",
    ],
    ["build: {tolerations: [{key: a, operator: Exists, value: b}]}", "build.tolerations[0].value", "\"b\"", NO_VALUE],
    ["build: {tolerations: [{key: a, value: b c}]}", "build.tolerations[0].value", "\"b c\"", VALUE],
    [
        "build: {tolerations: [{key: a, tolerationSeconds: 5}]}",
        "build.tolerations[0].tolerationSeconds",
        "5",
        NO_SECONDS,
    ],
    ["build: {priorityClassName: High}", "build.priorityClassName", "\"High\"", NAME],
    ["build: {labels: {-a: b}}", "build.labels", "\"-a\"", A_KEY],
    ["build: {labels: {machineconfiguration.openshift.io/x: y}}", "build.labels", OWN_KEY, OTHER_KEY],
    ["build: {annotations: {a/: b}}", "build.annotations", "\"a/\"", A_KEY],
    ["build: {annotations: {machineconfiguration.openshift.io/x: y}}", "build.annotations", OWN_KEY, OTHER_KEY],
    ["build: {proxy: {httpProxy: 'a.test:1'}}", "build.proxy.httpProxy", "\"a.test:1\"", PROXY],
    [
        "build: {proxy: {httpsProxy: 'ftp://b:s3cr3t@a.test'}}",
        "build.proxy.httpsProxy",
        "\"ftp://[redacted]@a.test\"",
        PROXY,
    ],
    ["build: {proxy: {httpsProxy: 'http://a.test:99999'}}", "build.proxy.httpsProxy", "\"http://a.test:99999\"", PROXY],
    ["build: {proxy: {httpsProxy: 'http://a.test/path'}}", "build.proxy.httpsProxy", "\"http://a.test/path\"", PROXY],
    ["build: {proxy: {noProxy: 'a.test, b.test'}}", "build.proxy.noProxy", "\"a.test, b.test\"", HOSTS],
    ["build: {trustedCaConfigMap: Corporate_CA}", "build.trustedCaConfigMap", "\"Corporate_CA\"", NAME],
    ["build: {trustedCaKey: a/b}", "build.trustedCaKey", "\"a/b\"", CONFIG_KEY],
    ["build: {registriesConfigMap: '..'}", "build.registriesConfigMap", "\"..\"", NAME],
];

#[test]
fn what_kubernetes_would_refuse_is_refused_at_start() {
    for [text, field, value, allowed] in UNUSABLE {
        let faults = parse::<Settings>(text).unwrap().check().unwrap_err();
        let flag = flag_of(field).unwrap();
        let name = variable(flag);
        let said = format!("{field} (--{flag}, {name}): {value} cannot be used; it has to be {allowed}");
        assert_eq!(faults.to_string(), said, "{text}");
    }
}

/// The error for each text that cannot be parsed.
const UNREADABLE: [[&str; 3]; 17] = [
    ["maxConcurrentBuilds: many", "maxConcurrentBuilds", "\"many\" is no whole number from 0 on at line 1, column 22"],
    ["maxAttempts: -1", "maxAttempts", "\"-1\" is no whole number from 0 on at line 1, column 14"],
    ["\npendingDeadline: 10", "pendingDeadline", NO_UNIT],
    ["adminListen: here", "adminListen", NO_ADDRESS],
    [
        "leaderElection:\n  enabled: maybe",
        "leaderElection.enabled",
        "\"maybe\" is neither true nor false at line 2, column 12",
    ],
    [
        "build:\n  isolation: chrot",
        "build.isolation",
        "unknown variant `chrot`, expected one of chroot, oci, rootless at line 2, column 14",
    ],
    [
        "build:\n  storageDriver: btrfs",
        "build.storageDriver",
        "unknown variant `btrfs`, expected one of vfs, overlay at line 2, column 18",
    ],
    ["logFormat: xml", "logFormat", "unknown variant `xml`, expected one of human, json at line 1, column 12"],
    [
        "build:\n  digestHandoff: mail",
        "build.digestHandoff",
        "unknown variant `mail`, expected one of configmap, termination-message at line 2, column 18",
    ],
    [
        "build:\n  tolerations:\n  - key: a\n    operator: Exist",
        "build.tolerations[0].operator",
        "unknown variant `Exist`, expected one of Exists, Equal at line 4, column 15",
    ],
    [
        "build:\n  tolerations:\n  - key: a\n    efect: NoSchedule",
        "build.tolerations[0].efect",
        "unknown field `efect`, expected one of key, operator, value, effect, tolerationSeconds at line 4, column 5",
    ],
    [
        "build: {tolerations: [{key: a, effect: NoExecute, tolerationSeconds: long}]}",
        "build.tolerations[0].tolerationSeconds",
        "\"long\" cannot be used: invalid i64 at line 1, column 70",
    ],
    [
        "build: {resources: {claims: []}}",
        "build.resources.claims",
        "unknown field `claims`, expected one of requests, limits at line 1, column 21",
    ],
    ["build:\n  labels: 5", "build.labels", "5 cannot be used: expected mapping start at line 2, column 11"],
    [
        "build: {nodeSelector: {a: [b]}}",
        "build.nodeSelector.a",
        "a list cannot be used: expected string scalar at line 1, column 27",
    ],
    ["build: {nodeSelector: {a: null}}", "build.nodeSelector.a", NO_STRING],
    ["build:", "build", "null cannot be used; leave it out, or say \"\", {} or [] at line 1, column 6"],
];
const NO_UNIT: &str = "\"10\" is no time (time unit needed, for example 10sec or 10ms); write one as in 90s or 10m at line 2, \
    column 18";
const NO_ADDRESS: &str = "\"here\" is no address; write one as in 127.0.0.1:8797 or [::]:8797 at line 1, column 14";
const NO_STRING: &str = "null cannot be used; leave it out, or say \"\", {} or [] at line 1, column 27";

#[test]
fn what_cannot_be_read_is_told_with_its_field_value_and_line() {
    for [text, field, expected] in UNREADABLE {
        assert_eq!(parse::<Settings>(text).unwrap_err(), format!("{field}: {expected}"), "{text}");
    }
    let list = parse::<Settings>("[]").unwrap_err();
    assert_eq!(list, "a list cannot be used: expected mapping start at line 1, column 1");
    let two = parse::<Settings>("namespace: a\n---\nnamespace: b").unwrap_err();
    assert_eq!(two, "there is more than one document in it");
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
