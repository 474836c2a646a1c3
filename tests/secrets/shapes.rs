//! Pull secrets in every form, including refused ones, and builds that print their content in every form.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use machine_os_builder::actors::ActorSettings;
use machine_os_builder::api::{DEFAULT_NAMESPACE, Kind, Pool};
use machine_os_builder::reconcile::decide;
use machine_os_builder::simulation::{self, Builder, Fleet, FleetOptions, MachineConfigTemplate, Trace};
use machine_os_builder::snapshot::Snapshot;
use serde_json::{Value, json};

use super::{Log, R1, objects};
use crate::it::harness::cluster::{Cluster, exited, inputs, secret};

const PASSWORD: &str = "c0rrect-h0rse/b@ttery+staple-until-the-line-is-full-and-has-to-be-wrapped";
const TOKEN: &str = "a-t0ken/of+a-registry";

/// Bodies of a Secret of the modern type, or of the legacy one, as an API server takes them.
fn shapes() -> Vec<(&'static str, bool, Value)> {
    let auth = STANDARD.encode(format!("alice:{PASSWORD}"));
    let of = |entry: Value| json!({"auths": {"registry.test": entry}});
    vec![
        ("modern", true, of(json!({"auth": auth}))),
        ("legacy", false, json!({"https://registry.test/v1/": {"auth": auth, "email": "a@registry.test"}})),
        ("wrapped", true, of(json!({"auth": format!("{}\n{}", &auth[..76], &auth[76..])}))),
        ("without padding", true, of(json!({"auth": auth.trim_end_matches('=')}))),
        ("filled up with NUL", true, of(json!({"auth": STANDARD.encode(format!("alice:{PASSWORD}\0\0"))}))),
        ("in words", true, of(json!({"username": "alice", "password": PASSWORD}))),
        ("identity token", true, of(json!({"auth": auth, "identitytoken": TOKEN}))),
        ("registry token", true, of(json!({"password": PASSWORD, "registrytoken": TOKEN}))),
        (
            "headers",
            true,
            json!({"Auths": {"r": {"Auth": auth}}, "HttpHeaders": {"Authorization": format!("Bearer {TOKEN}")}}),
        ),
        (
            "misplaced",
            true,
            json!({"credHelpers": {"registry.test": "ecr-login"}, "registry.test": {"secret": [PASSWORD, TOKEN]}}),
        ),
    ]
}

/// The forms in which a program may print a secret.
fn forms(word: &str) -> Vec<String> {
    let wrap = |text: &str| {
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n")
    };
    vec![
        word.to_owned(),
        STANDARD.encode(word),
        URL_SAFE_NO_PAD.encode(format!("alice:{word}")),
        wrap(&STANDARD.encode(format!("alice:{word}"))),
        word.replace('/', "%2F").replace('+', "%2B").replace('@', "%40"),
        word.replace('/', "\\/"),
        json!({"line": json!(word).to_string()}).to_string(),
    ]
}

/// The secrets that are in a body.
fn words(body: &Value) -> Vec<&'static str> {
    let text = body.to_string();
    let encoded = |word: &str| STANDARD.encode(format!("alice:{word}"))[..24].to_owned();
    [PASSWORD, TOKEN].into_iter().filter(|word| text.contains(*word) || text.contains(&encoded(word))).collect()
}

/// No part of a word that is worth anything shows in a text, as it is or in base64.
fn assert_hidden(shape: &str, place: &str, text: &str, word: &str) {
    let middle = &word[4..word.len() - 4];
    let encoded = |skipped: usize| {
        let digits = STANDARD.encode(&word[skipped..]);
        digits[..digits.len() - 8].to_owned()
    };
    let needles =
        [middle.to_owned(), encoded(0), encoded(1), encoded(2), middle.replace('/', "\\/"), middle.replace('/', "%2F")];
    for needle in needles {
        assert!(!text.contains(&needle), "{shape}: {needle:?} shows in {place}");
    }
}

/// Runs a build that fails and says all that is in its Secrets; returns everything that is shown of it, by place.
async fn everything_shown(body: &Value, is_modern: bool, words: &[&str]) -> Vec<(&'static str, String)> {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE);
    let _guard = tracing::subscriber::set_default(subscriber.with_writer(log.clone()).finish());
    let cluster = Cluster::bare();
    for object in inputs() {
        cluster.create(object).await;
    }
    let _daemon = cluster.daemon_with(ActorSettings::default(), None).await;
    cluster.start_build("worker", R1).await;
    // Put there while the build runs: it may be one that is refused.
    cluster.delete(Kind::Secret, "push").await;
    let (kind, key) = match is_modern {
        true => ("kubernetes.io/dockerconfigjson", ".dockerconfigjson"),
        false => ("kubernetes.io/dockercfg", ".dockercfg"),
    };
    cluster.create(secret("push", kind, key, body)).await;
    cluster.rest(Duration::from_secs(5)).await;
    let said: Vec<String> = words.iter().flat_map(|word| forms(word)).collect();
    let pod = format!("build-{R1}");
    let uid = cluster.exists(Kind::Pod, &pod).await.metadata.uid.unwrap();
    for (index, form) in said.iter().enumerate() {
        cluster.server.pod_logs().append(&uid, "image-build", form);
        let waiting = json!({"reason": format!("Waits{index}"), "message": form});
        let status = json!({"containerStatuses": [{"name": "image-build", "state": {"waiting": waiting}}]});
        cluster.set_pod(&pod, status).await;
        cluster.rest(Duration::from_secs(1)).await;
    }
    let mut shown = vec![("the pool while it waits", serde_json::to_string(&cluster.pool("worker").await).unwrap())];
    cluster
        .set_pod(&pod, json!({"phase": "Failed", "containerStatuses": [exited("image-build", 20, &said.join(" "))]}))
        .await;
    // With the reason of the Secret, once its build has failed, if it is one that is refused.
    let is_failed = async || {
        let pool = cluster.pool("worker").await;
        Pool::new(&pool).is_true("BuildFailed").then_some(pool)
    };
    let failed = cluster.eventually("the failure is shown", is_failed).await;
    shown.push(("the pool as it failed", serde_json::to_string(&failed).unwrap()));
    cluster.rest(Duration::from_secs(60)).await;
    let record = serde_json::to_string(&cluster.pool("worker").await.metadata.annotations).unwrap();
    assert!(record.contains("[redacted]"), "{record}");
    let snapshot = Snapshot::read(cluster.client.clone(), DEFAULT_NAMESPACE).await.unwrap();
    let reports = snapshot.reports(&decide::DecideSettings::default(), cluster.clock.now()).await.unwrap();
    shown.push(("a report", serde_json::to_string(&reports.pools).unwrap()));
    shown.push(("objects", objects(&cluster.client).await));
    shown.push(("the log", String::from_utf8(log.0.lock().unwrap().clone()).unwrap()));
    shown
}

#[tokio::test(start_paused = true)]
async fn l44_no_shape_of_a_pull_secret_gives_its_credentials_away() {
    for (shape, is_modern, body) in shapes() {
        let words = words(&body);
        assert!(!words.is_empty(), "{shape}");
        for (place, text) in everything_shown(&body, is_modern, &words).await {
            words.iter().for_each(|word| assert_hidden(shape, place, &text, word));
        }
    }
}

#[test]
fn l44_the_trace_of_a_simulation_shows_no_credentials() {
    let options = FleetOptions {
        fleet: Fleet { pools: 2, configs: 2, seed: 1 },
        machine_config: MachineConfigTemplate::default(),
        builder: Builder::Mixed,
        settings: ActorSettings::default(),
    };
    let log = Log::default();
    simulation::run_traced(&options, Some(&Trace::new(log.clone())), &mut |_| {}).unwrap();
    let trace = String::from_utf8(Arc::clone(&log.0).lock().unwrap().clone()).unwrap();
    assert!(trace.len() > 1_000);
    assert!(!trace.contains("not-a-real-password"));
    for pool in ["base-image-pull", "final-image-push"] {
        assert!(!trace.contains(&STANDARD.encode(format!("{pool}:not-a-real-password"))));
    }
}
