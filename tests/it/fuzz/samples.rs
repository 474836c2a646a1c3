//! An object of each kind, with as many as possible of the fields that have a rule.

use serde_json::{Value, json};

use super::request::Asked;

/// A kind, and an object of it that makes sense.
pub(super) struct Sample {
    pub root: &'static str,
    pub plural: &'static str,
    pub namespaced: bool,
    pub object: Value,
}

impl Sample {
    /// The path of the collection, in one namespace if there are any.
    pub(super) fn path(&self) -> String {
        let namespace = if self.namespaced { "/namespaces/default" } else { "" };
        format!("{}{namespace}/{}", self.root, self.plural)
    }
}

/// The targets of requests.
pub(super) struct Samples {
    /// A sample of each kind but the one that defines kinds.
    pub objects: Vec<Sample>,
    /// A definition that says much, and one that says little.
    pub definitions: [Sample; 2],
}

impl Samples {
    pub(super) fn new() -> Self {
        Self { objects: objects(), definitions: definitions() }
    }

    /// The requests that make what is there at first: the definitions, and of each kind an object, and one that is held
    /// back when it is deleted.
    pub(super) fn setup(&self) -> impl Iterator<Item = Asked> {
        let definitions = self.definitions.iter().map(|sample| (sample, sample.object.clone()));
        let objects = self.objects.iter().flat_map(|sample| {
            [("a", json!([])), ("b", json!(["example.com/hold"]))].map(|(name, finalizers)| {
                let mut object = sample.object.clone();
                object["metadata"]["name"] = name.into();
                object["metadata"]["finalizers"] = finalizers;
                (sample, object)
            })
        });
        definitions.chain(objects).map(|(sample, object)| Asked::json("POST", sample.path(), object))
    }
}

const CORE: &str = "/api/v1";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const MACHINE_CONFIGURATION: &str = "/apis/machineconfiguration.openshift.io/v1";
const EXTENSIONS: &str = "/apis/apiextensions.k8s.io/v1";
const EXAMPLE: &str = "/apis/example.com/v1";

fn objects() -> Vec<Sample> {
    let sample = |root, plural, object| Sample { root, plural, namespaced: true, object };
    let cluster = |root, plural, object| Sample { root, plural, namespaced: false, object };
    let rules = json!([
        {"apiGroups": [""], "resources": ["configmaps", "pods/log"], "verbs": ["get", "list"], "resourceNames": ["a"]},
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    ]);
    let role = |kind: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "a"});
    let subjects = json!([
        {"kind": "ServiceAccount", "name": "a", "namespace": "default"},
        {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"},
    ]);
    vec![
        cluster(CORE, "namespaces", json!({"metadata": {"labels": {"app": "x"}}})),
        sample(CORE, "pods", pod()),
        sample(
            CORE,
            "configmaps",
            json!({"data": {"k": "v", "l": "ä\n"}, "binaryData": {"b": "AAE="}, "immutable": false}),
        ),
        sample(CORE, "secrets", json!({"type": "Opaque", "data": {"k": "dg=="}, "stringData": {"l": "w"}})),
        sample(
            CORE,
            "events",
            json!({
                "involvedObject": {"kind": "Pod", "name": "a", "namespace": "default"}, "reason": "Seen", "type": "Normal",
                "message": "m", "count": 2, "lastTimestamp": "2026-01-02T03:04:05Z",
            }),
        ),
        sample(CORE, "serviceaccounts", json!({"secrets": [{"name": "a"}], "imagePullSecrets": [{"name": "b"}]})),
        sample(
            "/apis/coordination.k8s.io/v1",
            "leases",
            json!({"spec": {
                "holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "2026-01-02T03:04:05.000000Z",
            }}),
        ),
        sample(RBAC, "roles", json!({"rules": rules})),
        sample(RBAC, "rolebindings", json!({"roleRef": role("Role"), "subjects": subjects})),
        cluster(RBAC, "clusterroles", json!({"rules": rules})),
        cluster(RBAC, "clusterrolebindings", json!({"roleRef": role("ClusterRole"), "subjects": subjects})),
        cluster(
            MACHINE_CONFIGURATION,
            "machineconfigpools",
            json!({
                "spec": {"paused": false, "configuration": {"name": "rendered-x"}, "machineConfigSelector": {"matchLabels": {"a": "b"}}},
                "status": {"machineCount": 3, "conditions": [{"type": "Updated", "status": "True"}]},
            }),
        ),
        cluster(
            MACHINE_CONFIGURATION,
            "machineconfigs",
            json!({"spec": {"config": {"ignition": {"version": "3.4.0"}}}}),
        ),
        sample(
            "/apis/build.openshift.io/v1",
            "builds",
            json!({
                "spec": {"strategy": {"type": "Docker"}, "source": {"type": "Dockerfile"}}, "status": {"phase": "New"},
            }),
        ),
        sample(EXAMPLE, "widgets", widget()),
        cluster(EXAMPLE, "gadgets", json!({"spec": {"any": {"thing": [1, 2.5, null]}}})),
    ]
}

fn pod() -> Value {
    json!({
        "spec": {
            "containers": [{
                "name": "main", "image": "registry/i:1", "env": [{"name": "A", "value": "1"}],
                "ports": [{"containerPort": 80}], "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            }],
            "initContainers": [{"name": "first", "image": "i"}],
            "volumes": [{"name": "v", "emptyDir": {}}], "nodeName": "node", "restartPolicy": "Never",
            "serviceAccountName": "a", "terminationGracePeriodSeconds": 30, "activeDeadlineSeconds": 60,
            "tolerations": [{"key": "k", "operator": "Exists"}],
        },
        "status": {
            "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "main", "ready": true, "restartCount": 1, "image": "i", "imageID": "x"}],
        },
    })
}

fn widget() -> Value {
    json!({
        "spec": {"color": "red", "size": 3, "port": "http", "parts": [{"name": "p", "count": 1}], "tags": ["x", "y"], "free": {"a": [1]}},
        "status": {"phase": "Ready", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn definitions() -> [Sample; 2] {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "required": ["color"], "properties": {
            "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            "size": {"type": "integer", "minimum": 0, "maximum": 9, "multipleOf": 1},
            "port": {"x-kubernetes-int-or-string": true},
            "name": {"type": "string", "pattern": "^[a-z]*$", "maxLength": 5, "nullable": true},
            "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "maxItems": 4,
                "items": {"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer", "default": 1}}}},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "labels": {"type": "object", "additionalProperties": {"type": "string", "format": "date-time"}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "inner": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
            "one": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {"type": "number"}, "b": {"type": "boolean"}}},
        }},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    }});
    let version = |name: &str, schema: &Value| {
        json!({
            "name": name, "served": true, "storage": name == "v1", "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": schema}, "selectableFields": [{"jsonPath": ".spec.color"}],
            "additionalPrinterColumns": [
                {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
                {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status", "priority": 1},
            ],
        })
    };
    let plain = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = |plural: &str, kind: &str, scope: &str, versions: Value| Sample {
        root: EXTENSIONS,
        plural: "customresourcedefinitions",
        namespaced: false,
        object: json!({
            "metadata": {"name": format!("{plural}.example.com")},
            "spec": {
                "group": "example.com", "scope": scope, "versions": versions,
                "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind, "shortNames": [&plural[..1]]},
            },
        }),
    };
    let mut old = plain.clone();
    old["properties"] = json!({"spec": {"type": "object", "properties": {"color": {"type": "string"}}}});
    [
        definition("widgets", "Widget", "Namespaced", json!([version("v1", &schema), version("v1beta1", &old)])),
        definition(
            "gadgets",
            "Gadget",
            "Cluster",
            json!([{
                "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": plain},
            }]),
        ),
    ]
}
