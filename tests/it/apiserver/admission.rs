//! Refusals by an admitter, in the words of the real server.

use std::sync::{Arc, Mutex};

use machine_os_builder::apiserver::{AdmissionRequest, Refusal, Verb};

use super::*;

impl World {
    /// Refuses with `refusal` what `is_refused` picks.
    fn refuse(&self, refusal: Refusal, is_refused: impl Fn(&AdmissionRequest<'_>) -> bool + Send + Sync + 'static) {
        self.server.set_admission(Some(Arc::new(move |request| is_refused(request).then(|| refusal.clone()))));
    }
}

fn message(status: &Value) -> &str {
    status["message"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_refusal_is_told_in_the_words_of_the_real_server() {
    let policy = Refusal::Policy { policy: "p".into(), binding: "b".into(), message: "no".into() };
    let denied = Refusal::Webhook { webhook: "deny.example.com".into(), message: "not today".into() };
    let invalid = Refusal::Invalid { field: "spec.x".into(), value: json!("y"), why: "must be z".into() };
    for (refusal, code, reason, message_is) in [
        (
            Refusal::quota("builds", 4),
            403,
            "Forbidden",
            "pods \"a\" is forbidden: exceeded quota: builds, requested: pods=1, used: pods=4, limited: pods=4",
        ),
        (
            Refusal::Forbidden("maximum memory usage per Container is 1Gi, but limit is 2Gi".into()),
            403,
            "Forbidden",
            "pods \"a\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi",
        ),
        (
            policy,
            422,
            "Invalid",
            "pods \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
        ),
        (denied, 403, "Forbidden", "admission webhook \"deny.example.com\" denied the request: not today"),
        (
            Refusal::webhook_down("check.example.com", "check.ops"),
            500,
            "InternalError",
            "Internal error occurred: failed calling webhook \"check.example.com\": failed to call webhook: Post \
             \"https://check.ops.svc:443/validate?timeout=10s\": dial tcp 10.96.0.17:443: connect: connection refused",
        ),
        (invalid, 422, "Invalid", "Pod \"a\" is invalid: spec.x: Invalid value: \"y\": must be z"),
        (Refusal::TooLarge, 413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"),
    ] {
        let world = World::new();
        world.refuse(refusal, |request| request.resource == "pods");
        let status = refused(world.post(PODS, &pod("a", "")).await, code);
        assert_eq!((status["reason"].as_str().unwrap(), message(&status)), (reason, message_is), "{status}");
        assert_eq!(world.get(&format!("{PODS}/a")).await.0, 404, "nothing of it is stored");
        world.made(CONFIG_MAPS, named("a")).await;
        world.server.set_admission(None);
        world.made(PODS, pod("a", "")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_when_to_come_back() {
    let world = World::new();
    world.refuse(Refusal::TooManyRequests(7), |_| true);
    let request = Request::post(CONFIG_MAPS).header("content-type", JSON);
    let response = world.client.send(request.body(Body::from(named("a").to_string().into_bytes())).unwrap()).await;
    let response = response.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"7".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn the_words_of_pod_security_and_of_security_context_constraints_name_what_is_amiss() {
    for (refusal, words) in [
        (Refusal::pod_security("restricted", "c"), "violates PodSecurity \"restricted:latest\": allowPrivilege"),
        (Refusal::security_context_constraints(), "unable to validate against any security context constraint: ["),
    ] {
        let world = World::new();
        world.refuse(refusal, |_| true);
        let status = refused(world.post(PODS, &pod("a", "")).await, 403);
        assert!(message(&status).starts_with(&format!("pods \"a\" is forbidden: {words}")), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_write_is_shown_as_what_it_would_become_of_what_is_there() {
    type Shown = (Verb, Option<String>, String, Option<Value>, Option<Value>);
    let world = World::new();
    world.made(CONFIG_MAPS, labelled("a", "x")).await;
    let shown: Arc<Mutex<Vec<Shown>>> = Arc::default();
    let seen = Arc::clone(&shown);
    world.server.set_admission(Some(Arc::new(move |request| {
        let app = |object: &Value| object["metadata"]["labels"]["app"].clone();
        let (object, old) = (request.object.map(app), request.old.map(app));
        let subresource = request.subresource.map(str::to_owned);
        assert_eq!((request.agent, request.group, request.namespace), ("tests", "", "default"));
        seen.lock().unwrap().push((request.verb, subresource, request.name.to_owned(), object, old));
        None
    })));
    let path = format!("{CONFIG_MAPS}/a");
    world.made(CONFIG_MAPS, labelled("b", "x")).await;
    world.put(&path, &labelled("a", "y")).await;
    world.patch(&path, MERGE_PATCH, &json!({"metadata": {"labels": {"app": "z"}}})).await;
    // The server also calls the admitter for a patch that changes nothing, and does not store the object again.
    world.patch(&path, JSON_PATCH, &json!([])).await;
    world.delete(&path, &Value::Null).await;
    let some = |app: &str| Some(json!(app));
    let expected: Vec<Shown> = vec![
        (Verb::Create, None, "b".into(), some("x"), None),
        (Verb::Update, None, "a".into(), some("y"), some("x")),
        (Verb::Patch, None, "a".into(), some("z"), some("y")),
        (Verb::Patch, None, "a".into(), some("z"), some("z")),
        (Verb::Delete, None, "a".into(), None, some("z")),
    ];
    assert_eq!(*shown.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn one_subresource_may_be_refused_and_the_other_admitted() {
    let world = World::new();
    world.made(POOLS, json!({"metadata": {"name": "worker"}, "spec": {}})).await;
    world.refuse(Refusal::Forbidden("no".into()), |request| request.subresource == Some("status"));
    let path = format!("{POOLS}/worker");
    let status = json!({"status": {"machineCount": 1}});
    refused(world.patch(&format!("{path}/status"), MERGE_PATCH, &status).await, 403);
    assert_eq!(world.patch(&path, MERGE_PATCH, &json!({"metadata": {"labels": {"a": "b"}}})).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn what_is_invalid_or_not_there_is_refused_as_such_and_no_admission_asked() {
    let world = World::new();
    world.refuse(Refusal::Forbidden("no".into()), |_| true);
    refused(world.post(PODS, &json!({"metadata": {"name": "a"}, "spec": {"containers": []}})).await, 422);
    refused(world.delete(&format!("{PODS}/b"), &Value::Null).await, 404);
    refused(world.patch(&format!("{PODS}/b"), MERGE_PATCH, &json!({})).await, 404);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_refused_in_a_dry_run_too_and_no_deletion_is_half_done() {
    let world = World::new();
    for name in ["a", "b"] {
        world.made(CONFIG_MAPS, named(name)).await;
    }
    world.refuse(Refusal::Forbidden("no".into()), |request| request.name == "b" || request.name == "c");
    refused(world.post(&format!("{CONFIG_MAPS}?dryRun=All"), &named("c")).await, 403);
    refused(world.delete(CONFIG_MAPS, &Value::Null).await, 403);
    assert_eq!(world.get(&format!("{CONFIG_MAPS}/a")).await.0, 200);
}
