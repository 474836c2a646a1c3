//! Malformed requests: each is answered with a Status that says why.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use crate::harness::processes::Cluster;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const JSON: &str = "application/json";
const YAML: &str = "application/yaml";

struct Asked {
    code: u16,
    media_type: String,
    body: Bytes,
}

async fn ask(client: &Client, request: Request<Body>) -> Asked {
    let response = client.send(request).await.unwrap();
    let code = response.status().as_u16();
    let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    Asked { code, media_type, body: response.into_body().collect().await.unwrap().to_bytes() }
}

async fn send(client: &Client, method: Method, path: &str, media_type: &str, body: impl Into<Bytes>) -> Asked {
    let request = Request::builder().method(method).uri(path).header("content-type", media_type);
    ask(client, request.body(Body::from(body.into())).unwrap()).await
}

async fn get(client: &Client, path: &str, accept: &str) -> Asked {
    ask(client, Request::get(path).header("accept", accept).body(Body::empty()).unwrap()).await
}

/// Makes sure of a Status with this code and reason, and gives its message.
#[track_caller]
fn refused(asked: &Asked, code: u16, reason: &str) -> String {
    let status: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!((asked.code, &status["code"], &status["reason"]), (code, &json!(code), &json!(reason)), "{status}");
    assert_eq!((&status["kind"], &status["status"]), (&json!("Status"), &json!("Failure")));
    status["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nobody_without_the_token_is_answered() {
    let cluster = Cluster::start(&[]);
    for token in [None, Some(""), Some("wrong")] {
        let mut config = cluster.config().await;
        config.auth_info.token = token.map(|token| token.to_owned().into());
        let client = Client::try_from(config).unwrap();
        for path in [MAPS, "/version", "/no/such/path"] {
            assert_eq!(refused(&get(&client, path, JSON).await, 401, "Unauthorized"), "Unauthorized");
        }
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let cluster = Cluster::start(&[]);
    let client = &cluster.client().await;
    for (media_type, body) in [(JSON, "{\"metadata\": "), (YAML, "metadata: [x"), (JSON, ""), (JSON, "\u{0}")] {
        for (method, path) in [(Method::POST, MAPS.to_owned()), (Method::PUT, format!("{MAPS}/a"))] {
            let message = refused(&send(client, method, &path, media_type, body).await, 400, "BadRequest");
            assert!(message.contains("parse error"), "{message}");
        }
    }
    for body in ["[]", "7", "\"text\"", "null"] {
        refused(&send(client, Method::POST, MAPS, JSON, body).await, 400, "BadRequest");
    }
    refused(&send(client, Method::POST, MAPS, YAML, &b"\xff\xfe"[..]).await, 400, "BadRequest");
    let protobuf = "application/vnd.kubernetes.protobuf";
    refused(&send(client, Method::POST, MAPS, protobuf, "k8s\0\u{7f}").await, 400, "BadRequest");
    refused(&send(client, Method::POST, MAPS, "text/plain", "{}").await, 415, "UnsupportedMediaType");
    refused(&send(client, Method::PATCH, &format!("{MAPS}/a"), YAML, "{}").await, 415, "UnsupportedMediaType");
    let apply = "application/apply-patch+yaml";
    refused(&send(client, Method::PATCH, &format!("{MAPS}/a"), apply, "{}").await, 415, "UnsupportedMediaType");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_server_lives_on() {
    let cluster = Cluster::start(&[]);
    let client = &cluster.client().await;
    for size in [(3 << 20) + 1, 8 << 20] {
        let refusal = send(client, Method::POST, MAPS, JSON, vec![b' '; size]).await;
        refused(&refusal, 413, "RequestEntityTooLarge");
    }
    assert_eq!(get(client, MAPS, JSON).await.code, 200);
}

#[tokio::test]
async fn what_is_not_there_or_cannot_be_done_is_refused() {
    let cluster = Cluster::start(&[]);
    let client = &cluster.client().await;
    for path in ["/apis/apps/v1/deployments", "/api/v2/pods", "/nothing", "/openapi/v3/apis/apps/v1", "//", "/%00"] {
        refused(&get(client, path, JSON).await, 404, "NotFound");
    }
    refused(&get(client, &format!("{MAPS}/none"), JSON).await, 404, "NotFound");
    refused(&get(client, "/api/v1/namespaces/default/pods/none/log", JSON).await, 404, "NotFound");
    refused(&send(client, Method::POST, &format!("{MAPS}/a"), JSON, "{}").await, 405, "MethodNotAllowed");
    refused(&send(client, Method::PUT, MAPS, JSON, "{}").await, 405, "MethodNotAllowed");
    refused(&send(client, Method::TRACE, MAPS, JSON, "").await, 405, "MethodNotAllowed");
    for query in [
        "labelSelector=a%20b%20c",
        "labelSelector=in%20(",
        "fieldSelector=spec.x%3D1",
        "limit=many",
        "watch=1&resourceVersion=x",
    ] {
        refused(&get(client, &format!("{MAPS}?{query}"), JSON).await, 400, "BadRequest");
    }
    refused(&get(client, &format!("{MAPS}?includeObject=All"), JSON).await, 422, "Invalid");
    for accept in ["text/html", "application/json;as=Table;v=v2;g=meta.k8s.io", "application/yaml;q=0"] {
        refused(&get(client, MAPS, accept).await, 406, "NotAcceptable");
    }
    let watch = get(client, &format!("{MAPS}?watch=1"), YAML).await;
    assert_eq!((watch.code, watch.media_type.as_str()), (406, YAML), "events cannot be told apart in YAML");
}

#[tokio::test]
async fn yaml_is_read_and_written() {
    let cluster = Cluster::start(&[]);
    let client = &cluster.client().await;
    let body = "metadata:\n  name: a\ndata:\n  mode: \"0644\"\n";
    assert_eq!(send(client, Method::POST, MAPS, YAML, body).await.code, 201);
    let asked = get(client, &format!("{MAPS}/a"), YAML).await;
    assert_eq!((asked.code, asked.media_type.as_str()), (200, YAML));
    let text = String::from_utf8(asked.body.to_vec()).unwrap();
    assert!(text.contains("kind: ConfigMap") && text.contains("mode: \"0644\""), "{text}");
    let refusal = get(client, &format!("{MAPS}/none"), YAML).await;
    assert_eq!((refusal.code, refusal.media_type.as_str()), (404, YAML));
}

#[tokio::test]
async fn discovery_is_given_at_once_to_who_asks_for_it() {
    let cluster = Cluster::start(&[]);
    let client = &cluster.client().await;
    let aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let asked = get(client, "/apis", &format!("{aggregated},application/json")).await;
    assert_eq!(asked.media_type, aggregated);
    let document: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(document["kind"], "APIGroupDiscoveryList");
    let asked = get(client, "/apis", JSON).await;
    let document: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!((asked.media_type.as_str(), &document["kind"]), (JSON, &json!("APIGroupList")));
}
