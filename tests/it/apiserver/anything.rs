//! Arbitrary requests in any order: each gets a well-formed answer, and the server keeps running.

use bytes::Bytes;
use http::Request;
use machine_os_builder::apiserver::ApiServer;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{CONFIG_MAPS, CONFIGS, JSON, JSON_PATCH, MERGE_PATCH, PODS, POOLS, STRATEGIC_PATCH, options};
use crate::fuzz::values::FIELDS;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// A request, as little as it may make sense.
#[derive(Debug, Clone)]
struct Asked {
    method: &'static str,
    path: String,
    accept: &'static str,
    content_type: &'static str,
    body: Vec<u8>,
}

fn path() -> impl Strategy<Value = String> {
    let collection = select(vec![
        CONFIG_MAPS,
        CONFIGS,
        PODS,
        POOLS,
        DEFINITIONS,
        "/api/v1/namespaces",
        "/api/v1/namespaces/default/secrets",
        "/api/v1/events",
        "/apis/apps/v1/deployments",
        "/apis",
        "/openapi/v3/api/v1",
        "/api/v1//pods",
        "/",
    ]);
    let name =
        select(vec!["", "/a", "/a", "/b", "/a/status", "/a/log", "/a/binding", "/default", "/%ff", "/a%2fb/c/d"]);
    let query = prop_oneof![
        select(vec![
            "",
            "",
            "",
            "?limit=1",
            "?limit=-1",
            "?continue=x",
            "?labelSelector=a%20in%20(",
            "?labelSelector=a",
            "?fieldSelector=x=y",
            "?resourceVersion=9",
            "?resourceVersion=x",
            "?resourceVersionMatch=Exact",
            "?dryRun=All",
            "?dryRun=Some",
            "?gracePeriodSeconds=0",
            "?gracePeriodSeconds=-9",
            "?timeoutSeconds=x",
            "?watch=true&resourceVersion=1",
            "?watch=true&labelSelector=%00",
            "?fieldManager=%F0%9F",
        ])
        .prop_map(str::to_owned),
        "\\?[a-zA-Z]{1,20}=[ -~&&[^#]]{0,10}",
    ];
    (collection, name, query).prop_map(|(collection, name, query)| format!("{collection}{name}{query}"))
}

/// JSON, with fields that mean something to the server more often than not.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        select(vec![
            "a",
            "b",
            "default",
            "",
            "v1",
            "ConfigMap",
            "Pod",
            "1",
            "add",
            "remove",
            "test",
            "/data",
            "/metadata/uid",
            "\u{0}"
        ])
        .prop_map(Value::from),
    ];
    let more = ["binaryData", "containers", "phase", "group", "names", "conditions"];
    let key = select([&FIELDS[..], &more].concat());
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        Just(json!({"metadata": {"name": "a"}}).to_string().into_bytes()),
        Just(json!({"metadata": {"name": "a", "finalizers": ["x/y"]}, "data": {"k": "v"}}).to_string().into_bytes()),
        document().prop_map(|document| document.to_string().into_bytes()),
        document().prop_map(|document| json!({"metadata": {"name": "b"}, "spec": document}).to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    let method =
        select(vec!["GET", "GET", "POST", "POST", "PUT", "PATCH", "PATCH", "DELETE", "HEAD", "OPTIONS", "LINK"]);
    let accept = select(vec![
        JSON,
        JSON,
        "application/yaml",
        "application/json;as=Table;v=v1;g=meta.k8s.io",
        "text/html",
        "",
        ";;;q=,",
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        "application/vnd.kubernetes.protobuf",
    ]);
    let content_type = select(vec![
        JSON,
        JSON,
        MERGE_PATCH,
        JSON_PATCH,
        STRATEGIC_PATCH,
        "application/apply-patch+yaml",
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
        "text/plain",
        "",
    ]);
    (method, path(), accept, content_type, body()).prop_map(|(method, path, accept, content_type, body)| Asked {
        method,
        path,
        accept,
        content_type,
        body,
    })
}

/// Makes sure that the server answers, and that a refusal is a Status.
fn answers(server: &ApiServer, asked: &Asked) -> Result<(), TestCaseError> {
    let request = Request::builder().method(asked.method).uri(&asked.path);
    let request = request.header("accept", asked.accept).header("content-type", asked.content_type);
    // A request that cannot be built never reaches the server.
    let Ok(request) = request.body(Bytes::from(asked.body.clone())) else { return Ok(()) };
    let response = server.handle(request);
    let code = response.status().as_u16();
    // 504: a version that is not there yet.
    prop_assert!((200..500).contains(&code) || code == 504, "{code}");
    if code >= 400 && response.headers()["content-type"] == JSON {
        let status: Value = serde_json::from_slice(response.body().known().unwrap()).unwrap();
        prop_assert_eq!((&status["kind"], &status["code"]), (&json!("Status"), &json!(code)));
        let is_told = |field: &str| status[field].as_str().is_some_and(|text| !text.is_empty());
        prop_assert!(is_told("message") && is_told("reason"), "{}", status);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn is_answered(requests in prop::collection::vec(asked(), 1..40)) {
        let server = ApiServer::new(options());
        for asked in &requests {
            answers(&server, asked)?;
        }
    }
}
