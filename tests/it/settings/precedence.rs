//! Precedence of sources: a flag before a variable before the file before the default. The printed settings can be read
//! again.

use std::fs;

use machine_os_builder::settings::{FLAGS, Settings};
use serde_json::{Value, json};

use super::program::{Program, SOURCES, Source, nested, pointer};

/// For each setting three values, none of them the default.
fn samples() -> Vec<(&'static str, [Value; 3])> {
    let words = |a: &str, b: &str, c: &str| [json!(a), json!(b), json!(c)];
    let tolerations =
        |key: &str| json!([{"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]);
    let limit = |memory: &str| json!({"requests": {}, "limits": {"memory": memory}});
    vec![
        ("namespace", words("a", "b", "c")),
        ("maxConcurrentBuilds", [json!(0), json!(1), json!(2)]),
        ("maxAttempts", [json!(1), json!(2), json!(4)]),
        ("pendingDeadline", words("1m", "2m", "3m 30s")),
        ("buildDeadline", words("2h", "3h", "1m 30s")),
        ("adminListen", words("127.0.0.1:1", "0.0.0.0:2", "[::1]:3")),
        ("leaderElection.enabled", [json!(false), json!(false), json!(false)]),
        ("leaderElection.leaseDuration", words("20s", "30s", "40s")),
        ("leaderElection.renewDeadline", words("11s", "12s", "13s")),
        ("leaderElection.retryPeriod", words("1s", "3s", "500ms")),
        ("logFormat", words("json", "json", "json")),
        ("build.builderImage", words("a.test/a", "b.test/b:1", "c.test/c")),
        ("build.digestHandoff", words("termination-message", "termination-message", "termination-message")),
        ("build.resources", [limit("1Gi"), limit("2Gi"), limit("3Gi")]),
        ("build.nodeSelector", [json!({"a": "1"}), json!({"b": "true"}), json!({"c": ""})]),
        ("build.tolerations", [tolerations("a"), tolerations("b"), tolerations("c")]),
        ("build.priorityClassName", words("a", "b", "c")),
        ("build.labels", [json!({"a": "1"}), json!({"b": "2"}), json!({"c.test/c": "3"})]),
        ("build.annotations", [json!({"a": "1"}), json!({"b": "x: y, z\n"}), json!({"C.test/c": "3"})]),
        ("build.proxy.httpProxy", words("http://a.test", "http://b.test:1", "https://c.test:2")),
        ("build.proxy.httpsProxy", words("http://a.test", "http://b.test:1", "https://[::1]:2/")),
        ("build.proxy.noProxy", words("a.test", ".b.test,10.0.0.0/8", "*")),
        ("build.trustedCaConfigMap", words("a", "b", "c.d")),
        ("build.trustedCaKey", words("a.crt", "b.pem", "c")),
        ("build.registriesConfigMap", words("a", "b", "c")),
        ("build.isolation", words("oci", "rootless", "oci")),
        ("build.storageDriver", words("overlay", "overlay", "overlay")),
    ]
}

#[test]
fn every_setting_has_samples() {
    assert_eq!(samples().into_iter().map(|(field, _)| field).collect::<Vec<_>>(), FLAGS.map(|(field, _)| field));
}

#[test]
fn each_setting_can_come_from_the_file_a_variable_and_a_flag_and_changes_nothing_else() {
    let default = Program::new().effective();
    for (field, values) in samples() {
        for (source, value) in SOURCES.into_iter().zip(&values) {
            let mut expected = default.clone();
            assert_ne!(expected.pointer(&pointer(field)).unwrap(), value, "{field}");
            *expected.pointer_mut(&pointer(field)).unwrap() = value.clone();
            assert_eq!(Program::new().with(source, field, value).effective(), expected, "{field} from {source:?}");
        }
    }
}

#[test]
fn a_flag_comes_before_a_variable_and_that_before_the_file() {
    for (field, [in_file, in_variable, in_flag]) in samples() {
        let program = Program::new().with(Source::File, field, &in_file).with(Source::Variable, field, &in_variable);
        assert_eq!(program.effective().pointer(&pointer(field)), Some(&in_variable), "{field}");
        let program = program.with(Source::Flag, field, &in_flag);
        assert_eq!(program.effective().pointer(&pointer(field)), Some(&in_flag), "{field}");
    }
}

#[test]
fn what_is_printed_says_the_same_when_it_is_read() {
    let mut all = json!({});
    for (field, [.., value]) in samples() {
        json_patch::merge(&mut all, &nested(field, &value));
    }
    let first = Program::new().file(&all.to_string());
    let printed = first.run("run", &["--print-config"]).stdout;
    assert_eq!(first.effective(), all, "every setting is printed");
    assert_eq!(Program::new().file(&printed).run("run", &["--print-config"]).stdout, printed);
    let defaults = Program::new().run("run", &["--print-config"]).stdout;
    for text in ["", "# nothing but this\n", "{}", &defaults] {
        assert_eq!(Program::new().file(text).run("run", &["--print-config"]).stdout, defaults, "{text}");
    }
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let source = include_str!("../../../src/settings/mod.rs");
    let example = source.split("//! ```yaml\n").nth(1).unwrap().split("//! ```").next().unwrap();
    let example: String = example.lines().map(|line| format!("{}\n", line.trim_start_matches("//! "))).collect();
    let read: Settings = machine_os_builder::settings::parse(&example).unwrap();
    assert_eq!(read, Settings::default());
    assert_eq!(Program::new().file(&example).effective(), Program::new().effective());
    assert_eq!(example.lines().count(), Settings::default().to_yaml().lines().count(), "none is left out");
}

#[test]
fn what_the_file_says_can_be_taken_back() {
    for field in ["priorityClassName", "proxy.httpsProxy", "proxy.noProxy", "trustedCaConfigMap", "registriesConfigMap"]
    {
        let field = format!("build.{field}");
        for source in [Source::Variable, Source::Flag] {
            let value = if field.ends_with("httpsProxy") { "http://a.test" } else { "a" };
            let program = Program::new().with(Source::File, &field, &json!(value)).with(source, &field, &json!(""));
            assert_eq!(program.effective(), Program::new().effective(), "{field} from {source:?}");
        }
    }
    let program = Program::new().with(Source::File, "build.labels", &json!({"a": "b"})).variable("BUILD_LABELS", "");
    assert_eq!(program.effective(), Program::new().effective());
}

#[test]
fn the_file_can_be_named_by_a_variable() {
    let program = Program::new().variable("MACHINE_OS_BUILDER_CONFIG", "elsewhere.yaml");
    fs::write(program.directory.path().join("elsewhere.yaml"), "maxAttempts: 7").unwrap();
    assert_eq!(program.effective()["maxAttempts"], 7);
}

#[test]
fn passwords_of_proxies_are_not_printed_and_not_lost_without_a_word() {
    let url = "http://bob:s3cr3t@proxy.test:3128";
    let program = Program::new().with(Source::Variable, "build.proxy.httpsProxy", &json!(url));
    let printed = program.run("run", &["--print-config"]).stdout;
    assert!(printed.contains("http://[redacted]@proxy.test:3128") && !printed.contains("s3cr3t"), "{printed}");
    let refusal = Program::new().file(&printed).refusal(1);
    assert!(refusal.contains("build.proxy.httpsProxy") && refusal.contains("the user and the password"), "{refusal}");
    let again = Program::new().file(&printed.replace("[redacted]", "bob:s3cr3t"));
    assert_eq!(again.run("run", &["--print-config"]).stdout, printed);
    let help = program.run("run", &["--help"]).stdout;
    assert!(help.contains("BUILD_HTTPS_PROXY") && !help.contains("s3cr3t"), "{help}");
}

#[test]
fn what_is_not_of_build_objects_reaches_the_daemon() {
    let file = json!({
        "namespace": "n", "maxConcurrentBuilds": 7, "maxAttempts": 8, "pendingDeadline": "9m", "buildDeadline": "10m",
        "leaderElection": {"leaseDuration": "40s", "renewDeadline": "30s", "retryPeriod": "20s"},
    });
    let settings = machine_os_builder::settings::parse::<Settings>(&file.to_string()).unwrap().check().unwrap();
    let of_actors = settings.for_actors();
    assert_eq!((of_actors.decide.namespace.as_str(), of_actors.build.namespace.as_str()), ("n", "n"));
    assert_eq!((of_actors.decide.concurrent_builds_max, of_actors.decide.attempts_max), (7, 8));
    assert_eq!((of_actors.decide.pending_deadline.as_secs(), of_actors.build.build_deadline.as_secs()), (540, 600));
    let timing = settings.leader_election.timing();
    assert_eq!(
        [timing.lease_duration, timing.renew_deadline, timing.retry_period].map(|it| it.as_secs()),
        [40, 30, 20]
    );
}
