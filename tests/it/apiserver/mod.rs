//! The embedded API server's own behaviour, in virtual time. The behaviour of every API server is in `conformance`.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt;
use kube::client::Body;
use machine_os_builder::apiserver::{ApiServer, ServerOptions};
use machine_os_builder::clock::Clock;
use serde_json::{Value, json};

mod admission;
mod anything;
mod bad_definitions;
mod bad_input;
mod definitions;
mod delete;
mod fronts;
mod objects;
mod patch;
mod read;
mod requests;
mod tables;
mod watch;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";
const POOLS: &str = "/apis/machineconfiguration.openshift.io/v1/machineconfigpools";
const CONFIGS: &str = "/apis/machineconfiguration.openshift.io/v1/machineconfigs";

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";

fn options() -> ServerOptions {
    ServerOptions::new(Clock::starting_at("2026-01-02T03:04:05.678Z".parse().unwrap()), 7)
}

/// A server, and a client that returns its answers.
struct World {
    server: ApiServer,
    client: kube::Client,
}

impl World {
    fn new() -> Self {
        Self::with(options())
    }

    fn with(options: ServerOptions) -> Self {
        let server = ApiServer::new(options);
        let client = server.client("tests");
        Self { server, client }
    }

    async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.client.send(request).await.unwrap();
        let code = response.status().as_u16();
        let body = response.into_body().collect_bytes().await.unwrap();
        (code, serde_json::from_slice(&body).unwrap())
    }

    async fn raw(&self, method: Method, path: &str, content_type: &str, body: impl Into<Bytes>) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("content-type", content_type);
        self.send(request.body(Body::from(body.into())).unwrap()).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.raw(Method::GET, path, JSON, Bytes::new()).await
    }

    async fn get_as(&self, path: &str, accept: &str) -> (u16, Value) {
        self.send(Request::get(path).header("accept", accept).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.raw(Method::POST, path, JSON, body.to_string()).await
    }

    async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.raw(Method::PUT, path, JSON, body.to_string()).await
    }

    async fn patch(&self, path: &str, content_type: &str, body: &Value) -> (u16, Value) {
        self.raw(Method::PATCH, path, content_type, body.to_string()).await
    }

    async fn delete(&self, path: &str, body: &Value) -> (u16, Value) {
        self.raw(Method::DELETE, path, JSON, body.to_string()).await
    }

    /// Creates an object, which has to work.
    async fn made(&self, path: &str, body: Value) -> Value {
        let (code, object) = self.post(path, &body).await;
        assert_eq!(code, 201, "{object}");
        object
    }

    async fn watch(&self, path: &str) -> Watching {
        self.watch_as(path, JSON).await
    }

    async fn watch_as(&self, path: &str, accept: &str) -> Watching {
        let separator = if path.contains('?') { '&' } else { '?' };
        let request = Request::get(format!("{path}{separator}watch=true")).header("accept", accept);
        let response = self.client.send(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        Watching { body: response.into_body(), text: String::new() }
    }
}

/// A watch, as its client sees it.
struct Watching {
    body: Body,
    text: String,
}

impl Watching {
    /// The next event; none when the watch has ended.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let event = serde_json::from_str(line).unwrap();
                self.text = rest.to_owned();
                return Some(event);
            }
            let frame = self.body.frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    /// The next event's type, and the name of its object.
    async fn seen(&mut self) -> (String, String) {
        let event = self.next().await.expect("the watch goes on");
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("/type"), text("/object/metadata/name"))
    }

    /// Makes sure that nothing happens for a while.
    async fn is_silent(&mut self) {
        let waited = tokio::time::timeout(std::time::Duration::from_secs(5), self.next()).await;
        assert!(waited.is_err(), "{waited:?}");
    }
}

/// Makes sure of a refusal.
#[track_caller]
fn refused((code, status): (u16, Value), expected: u16) -> Value {
    assert_eq!((code, &status["kind"], &status["code"]), (expected, &json!("Status"), &json!(expected)), "{status}");
    status
}

fn seen(event: &str, name: &str) -> (String, String) {
    (event.to_owned(), name.to_owned())
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

fn labelled(name: &str, label: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": label}}})
}

fn pod(name: &str, node: &str) -> Value {
    let mut pod = json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "main", "image": "i"}]}});
    if !node.is_empty() {
        pod["spec"]["nodeName"] = node.into();
    }
    pod
}

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}
