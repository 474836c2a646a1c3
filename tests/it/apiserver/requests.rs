//! Malformed requests, and the log of all requests.

use machine_os_builder::apiserver::{LogEntry, Verb};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_json_is_refused() {
    let world = World::new();
    for body in ["", "{", "nonsense", "{\"metadata\":{\"name\":\"a\"}} more"] {
        let (code, status) = world.raw(Method::POST, CONFIG_MAPS, JSON, body).await;
        assert_eq!((code, &status["reason"], &status["kind"]), (400, &json!("BadRequest"), &json!("Status")), "{body}");
    }
    let nested = "[".repeat(100_000);
    assert_eq!(world.raw(Method::POST, CONFIG_MAPS, JSON, nested).await.0, 400);
    assert_eq!(world.raw(Method::DELETE, &format!("{CONFIG_MAPS}/a"), JSON, "{").await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_path_that_is_not_served_is_not_found() {
    let world = World::new();
    for path in [
        "/",
        "/nope",
        "/api/v1/nopes",
        "/api/v2/pods",
        "/apis/apps/v1/deployments",
        "/api/v1/pods/a",
        "/api/v1/namespaces/default/configmaps/a/status",
        "/api/v1/namespaces/default/namespaces",
        "/api/v1//pods",
        "/apis/machineconfiguration.openshift.io/v1/namespaces/default/machineconfigpools",
    ] {
        let (code, status) = world.get(path).await;
        assert_eq!((code, &status["details"]), (404, &json!({})), "{path}");
        assert_eq!(status["message"], "the server could not find the requested resource");
    }
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_makes_no_sense_is_refused() {
    let world = World::new();
    for query in ["limit=x", "resourceVersion=x", "watch=1&resourceVersion=x", "watch=1&timeoutSeconds=x"] {
        assert_eq!(world.get(&format!("{CONFIG_MAPS}?{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_request_for_a_resource_is_logged() {
    let world = World::new();
    world.get("/nope").await;
    world.made(POOLS, named("p")).await;
    world.patch(&format!("{POOLS}/p/status"), MERGE_PATCH, &json!({})).await;
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    world.get(&format!("{CONFIG_MAPS}/a")).await;
    drop(world.watch(CONFIG_MAPS).await);
    world.delete(CONFIG_MAPS, &json!({})).await;
    let log = world.server.log();
    let told: Vec<_> = log.iter().map(|entry| (entry.verb.as_str(), entry.resource.as_str(), entry.code)).collect();
    let expected = [
        ("create", "machineconfigpools", 201),
        ("patch", "machineconfigpools", 200),
        ("get", "configmaps", 404),
        ("watch", "configmaps", 200),
        ("deletecollection", "configmaps", 200),
    ];
    assert_eq!(told, expected);
    assert_eq!(log[1].subresource.as_deref(), Some("status"));
    let third = LogEntry {
        at: "2026-01-02T03:04:06.678Z".parse().unwrap(),
        agent: "tests".into(),
        verb: Verb::Get,
        resource: "configmaps".into(),
        subresource: None,
        namespace: Some("default".into()),
        name: Some("a".into()),
        code: 404,
    };
    assert_eq!(log[2], third);
    world.server.clear_log();
    assert!(world.server.log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_finds_out_what_is_served() {
    let world = World::new();
    let groups = world.client.list_api_groups().await.unwrap();
    let names: Vec<_> = groups.groups.iter().map(|group| group.name.as_str()).collect();
    let expected = ["apiextensions", "build.openshift", "coordination.k8s", "machineconfiguration.openshift"];
    assert!(expected.iter().all(|group| names.iter().any(|name| name.starts_with(group))), "{names:?}");
    let resources = world.client.list_core_api_resources("v1").await.unwrap();
    assert!(resources.resources.iter().any(|resource| resource.name == "pods/status"));
    assert_eq!(world.client.apiserver_version().await.unwrap().minor, "36");
}
