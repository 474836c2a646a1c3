//! The environment of a case: a server, a namespace, and operations on them.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use kube::config::{AuthInfo, Config};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{PATIENCE, Told, Watching, text};

pub(crate) const JSON: &str = "application/json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(crate) const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
pub(crate) const NAMESPACES: &str = "/api/v1/namespaces";
pub(crate) const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

const POLL: Duration = Duration::from_millis(20);

/// A server, and a namespace of a case's own.
pub(crate) struct World {
    config: Config,
    client: kube::Client,
    pub namespace: String,
    /// The objects that the case created outside of its namespace.
    outside: RefCell<Vec<String>>,
}

impl World {
    pub(crate) async fn new(config: Config) -> Self {
        let mut world = Self::inside(config, "");
        world.enter().await;
        world
    }

    fn inside(config: Config, namespace: &str) -> Self {
        let client = kube::Client::try_from(config.clone()).unwrap();
        Self { config, client, namespace: namespace.to_owned(), outside: RefCell::default() }
    }

    /// A further namespace on the same server.
    pub(crate) async fn another(&self) -> Self {
        Self::new(self.config.clone()).await
    }

    /// The same namespace, for a client with this token.
    pub(crate) fn acting(&self, token: &str) -> Self {
        let mut config = self.config.clone();
        config.auth_info = AuthInfo { token: Some(token.to_owned().into()), ..AuthInfo::default() };
        Self::inside(config, &self.namespace)
    }

    async fn enter(&mut self) {
        let namespace = self.post(NAMESPACES, &json!({"metadata": {"generateName": "conformance-"}})).await.ok();
        self.namespace = text(&namespace, "/metadata/name").to_owned();
    }

    /// Deletes what the case made, and does not wait until it is gone.
    pub(crate) async fn clean_up(&self) {
        let namespace = format!("{NAMESPACES}/{}", self.namespace);
        for path in self.outside.take().iter().chain([&namespace]) {
            self.delete(path, &json!({})).await;
        }
    }

    /// Remembers to delete what is at `path`.
    pub(crate) fn owes(&self, path: &str) {
        self.outside.borrow_mut().push(path.to_owned());
    }

    /// The path of a core resource in the namespace of the case.
    pub(crate) fn core(&self, resource: &str) -> String {
        format!("{NAMESPACES}/{}/{resource}", self.namespace)
    }

    /// The path of a resource of a group in the namespace of the case.
    pub(crate) fn of(&self, group: &str, resource: &str) -> String {
        format!("/apis/{group}/v1/namespaces/{}/{resource}", self.namespace)
    }

    pub(crate) fn maps(&self) -> String {
        self.core("configmaps")
    }

    pub(crate) fn map(&self, name: &str) -> String {
        self.core(&format!("configmaps/{name}"))
    }

    pub(crate) fn pods(&self) -> String {
        self.core("pods")
    }

    pub(crate) fn pod(&self, name: &str) -> String {
        self.core(&format!("pods/{name}"))
    }

    /// The name of something outside of all namespaces, that no other case has.
    pub(crate) fn unique(&self, name: &str) -> String {
        format!("{name}-{}", self.namespace)
    }

    /// The response to a request, once the server is not too busy for one.
    async fn answer(&self, request: Request<Bytes>) -> Response<Body> {
        self.eventually("the server is not too busy", async || {
            let request = request.clone().map(Body::from);
            let response = timeout(PATIENCE, self.client.send(request)).await.expect("an answer in time").unwrap();
            (response.status() != StatusCode::TOO_MANY_REQUESTS).then_some(response)
        })
        .await
    }

    async fn told(&self, request: Request<Bytes>) -> Told {
        let response = self.answer(request).await;
        let code = response.status().as_u16();
        let body = response.into_body().collect_bytes().await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).as_ref().into());
        Told { code, body }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, content_type: &str, body: impl Into<Bytes>) -> Told {
        let request = Request::builder().method(method).uri(path).header("content-type", content_type);
        self.told(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Told {
        self.get_as(path, JSON).await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Told {
        self.told(Request::get(path).header("accept", accept).body(Bytes::new()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Told {
        self.send(Method::POST, path, JSON, body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Told {
        self.send(Method::PUT, path, JSON, body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, content_type: &str, body: &Value) -> Told {
        self.send(Method::PATCH, path, content_type, body.to_string()).await
    }

    pub(crate) async fn merge(&self, path: &str, body: &Value) -> Told {
        self.patch(path, MERGE_PATCH, body).await
    }

    pub(crate) async fn delete(&self, path: &str, body: &Value) -> Told {
        self.send(Method::DELETE, path, JSON, body.to_string()).await
    }

    /// Deletes with the options in the query, which go unread if there is a body.
    pub(crate) async fn delete_by_query(&self, path: &str) -> Told {
        self.send(Method::DELETE, path, JSON, "").await
    }

    /// Creates a ConfigMap, which has to work.
    pub(crate) async fn made(&self, body: Value) -> Value {
        self.post(&self.maps(), &body).await.ok()
    }

    /// Creates a pod. In a new namespace of a whole cluster, that takes until its service account is there.
    pub(crate) async fn made_pod(&self, body: Value) -> Value {
        self.eventually("the pod is made", async || {
            let told = self.post(&self.pods(), &body).await;
            let message = text(&told.body, "/message");
            let waits = told.code == 403 && message.contains("serviceaccount");
            (!waits).then(|| told.ok())
        })
        .await
    }

    /// Waits until `look` sees something.
    pub(crate) async fn eventually<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            assert!(Instant::now() < deadline, "gave up waiting: {what}");
            sleep(POLL).await;
        }
    }

    /// Waits until there is nothing at `path`.
    pub(crate) async fn gone(&self, path: &str) {
        self.eventually(path, async || (self.get(path).await.code == 404).then_some(())).await;
    }

    pub(crate) async fn watch(&self, path: &str) -> Watching {
        let separator = if path.contains('?') { '&' } else { '?' };
        let request = Request::get(format!("{path}{separator}watch=true")).body(Bytes::new()).unwrap();
        let response = self.answer(request).await;
        assert_eq!(response.status(), 200);
        Watching { body: response.into_body(), text: String::new() }
    }

    /// Defines a kind in a group of the case's own, waits until it is served, and tells where its objects are.
    pub(crate) async fn define(&self, definition: &Value) -> String {
        self.post(DEFINITIONS, definition).await.ok();
        self.owes(&format!("{DEFINITIONS}/{}", text(definition, "/metadata/name")));
        self.served(definition).await
    }

    /// Waits until what is defined so is served.
    pub(crate) async fn served(&self, definition: &Value) -> String {
        let group = text(definition, "/spec/group");
        let stored =
            definition["spec"]["versions"].as_array().unwrap().iter().find(|version| version["storage"] == true);
        let version = text(stored.unwrap(), "/name");
        let place = match text(definition, "/spec/scope") {
            "Namespaced" => format!("namespaces/{}/", self.namespace),
            _ => String::new(),
        };
        let path = format!("/apis/{group}/{version}/{place}{}", text(definition, "/spec/names/plural"));
        self.eventually("it is served", async || (self.get(&path).await.code == 200).then_some(())).await;
        path
    }

    /// A kind of widgets whose `spec` has this schema.
    pub(crate) fn widgets(&self, spec: &Value) -> Value {
        let group = format!("{}.example.com", self.namespace);
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("widgets.{group}")},
            "spec": {
                "group": group, "scope": "Namespaced",
                "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                    "type": "object", "properties": {
                        "spec": spec, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    },
                }}}],
            },
        })
    }

    /// A widget.
    pub(crate) fn widget(&self, name: &str, spec: Value) -> Value {
        let api_version = format!("{}.example.com/v1", self.namespace);
        json!({"apiVersion": api_version, "kind": "Widget", "metadata": {"name": name}, "spec": spec})
    }
}
