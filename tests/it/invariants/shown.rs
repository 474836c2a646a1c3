//! Tests of the invariants about what a pool has to show.

use machine_os_builder::api::names::BUILD_CONFIG;
use machine_os_builder::api::{Kind, keys};
use machine_os_builder::simulation::checks::invariants::{Invariant, RefusedWrite};
use serde_json::{Value, json};

use super::{Impostor, POOL, shows};

impl Impostor {
    /// Holds the lease for so many seconds, as a process does that is at work.
    async fn work(&self, seconds: u64) {
        let path = "/apis/coordination.k8s.io/v1/namespaces/openshift-machine-config-operator/leases";
        for second in 0..=seconds {
            self.user.rest(std::time::Duration::from_secs(1)).await;
            let lease = json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "a", "leaseTransitions": second}});
            let create = http::Request::post(path).header("content-type", "application/json");
            let _ = self.user.server.handle(create.body(lease.to_string().into()).unwrap());
            let patch =
                http::Request::patch(format!("{path}/l")).header("content-type", "application/merge-patch+json");
            let renewed = self.user.server.handle(patch.body(lease.to_string().into()).unwrap());
            assert_eq!(renewed.status(), 200);
        }
    }

    fn is_refused(&self, words: &str) {
        let write = RefusedWrite { pool: "worker".into(), words: words.into(), is_status: false };
        self.user.invariants.refused(&write);
    }
}

/// The words of a refusal, and the pool that it is about.
async fn refused() -> Impostor {
    let impostor = Impostor::with_pool().await;
    impostor.work(2).await;
    impostor.user.invariants.refuses(true);
    impostor.is_refused("exceeded quota");
    impostor
}

async fn tell_of_refusal(impostor: &Impostor) {
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "worker.1", "namespace": "default"},
        "involvedObject": {"kind": "MachineConfigPool", "name": "worker"}, "reason": "BuildRefused", "message": "no",
    });
    impostor.daemon.create(event).await;
}

fn shows_refusal(words: &str) -> Value {
    let mut status = shows(&["BuildPending"]);
    for condition in status["status"]["conditions"].as_array_mut().unwrap() {
        if condition["status"] == "True" {
            condition["reason"] = "BuildRefused".into();
            condition["message"] = words.into();
        }
    }
    status
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_not_shown_or_not_told_of_is_found_after_a_while() {
    let impostor = refused().await;
    impostor.work(12).await;
    assert_eq!(impostor.user.invariants.violations(), []);
    impostor.work(8).await;
    let found = impostor.user.invariants.violations();
    assert_eq!(found.len(), 2, "the condition, and the Event: {found:?}");
    assert_eq!(impostor.found(), [Invariant::RefusalIsShown].into());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_shown_in_other_words_is_found() {
    for (words, expected) in [("exceeded quota: builds", 0), ("something is wrong", 1)] {
        let impostor = refused().await;
        tell_of_refusal(&impostor).await;
        impostor.daemon.merge_status(POOL, "worker", shows_refusal(words)).await;
        impostor.work(30).await;
        assert_eq!(impostor.found().len(), expected, "{words}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_shown_long_after_its_end_is_found() {
    let impostor = refused().await;
    tell_of_refusal(&impostor).await;
    impostor.daemon.merge_status(POOL, "worker", shows_refusal("exceeded quota: builds")).await;
    impostor.work(10).await;
    impostor.user.invariants.refuses(false);
    impostor.work(70).await;
    assert_eq!(impostor.user.invariants.violations(), []);
    impostor.work(20).await;
    assert_eq!(impostor.found(), [Invariant::RefusalIsShown].into());
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_that_is_tried_all_the_time_is_found() {
    let impostor = refused().await;
    tell_of_refusal(&impostor).await;
    impostor.daemon.merge_status(POOL, "worker", shows_refusal("exceeded quota: builds")).await;
    for _ in 0..12 {
        impostor.work(20).await;
        impostor.is_refused("exceeded quota");
    }
    impostor.work(1).await;
    assert_eq!(impostor.found(), [Invariant::RefusalIsShown].into());
}

#[tokio::test(start_paused = true)]
async fn a_loss_without_a_cause_is_found() {
    for (lost, expected) in [(json!([]), 1), (json!([{"number": 1, "cause": "OutOfcpu: no room"}]), 0)] {
        let impostor = Impostor::with_pool().await;
        let start = "2026-01-01T00:00:00Z";
        let attempt = json!({"hash": "1", "number": 1, "started": start, "lost": {"at": start, "why": "gone"}});
        let record = json!({"version": 1, "attempt": attempt, "lost": lost}).to_string();
        impostor.daemon.annotate("worker", keys::BUILD_RECORD, &record).await;
        assert_eq!(impostor.found().len(), expected, "{lost}");
    }
}

/// A pool whose build failed and whose input became unusable afterwards.
async fn spoiled() -> Impostor {
    let impostor = Impostor::with_pool().await;
    let record = json!({"version": 1, "failed": {
        "hash": "1", "reason": "BuildFailed", "message": "exit 20",
    }});
    impostor.user.annotate("worker", keys::BUILD_RECORD, &record.to_string()).await;
    impostor.user.merge_status(POOL, "worker", failed("BuildFailed")).await;
    let typo = json!({"data": {"finalImagePullspec": "typo"}});
    impostor.user.merge(Kind::ConfigMap, BUILD_CONFIG, typo).await;
    impostor
}

fn failed(reason: &str) -> Value {
    let failed = json!({"type": "BuildFailed", "status": "True", "reason": reason});
    json!({"status": {"conditions": [failed]}})
}

#[tokio::test(start_paused = true)]
async fn a_failed_pool_that_does_not_show_that_an_input_became_unusable_is_found() {
    let impostor = spoiled().await;
    impostor.work(110).await;
    assert_eq!(impostor.user.invariants.violations(), []);
    impostor.work(20).await;
    assert!(impostor.found().contains(&Invariant::BadInputIsShown));
}

#[tokio::test(start_paused = true)]
async fn a_failed_pool_that_shows_that_an_input_became_unusable_is_as_it_should_be() {
    let impostor = spoiled().await;
    impostor.work(60).await;
    impostor.user.merge_status(POOL, "worker", failed("InvalidImageReference")).await;
    impostor.work(180).await;
    assert_eq!(impostor.user.invariants.violations(), []);
}
