//! The build settings reach their fields in the Pod and in the Build, and no others.

use serde_json::{Value, json};

use super::program::{Program, SOURCES};

const POD: &str = "custom-pod-builder";
const BUILD: &str = "openshift-image-builder";

/// Makes sure that this setting, wherever it comes from, makes this difference to objects, and no other.
fn arrives(field: &str, value: Value, in_pod: impl Fn(&mut Value), in_build: impl Fn(&mut Value)) {
    let expected = |builder: &str, change: &dyn Fn(&mut Value)| {
        let mut object = Program::new().rendered(builder);
        change(&mut object);
        object
    };
    let (pod, build) = (expected(POD, &in_pod), expected(BUILD, &in_build));
    for source in SOURCES {
        let program = Program::new().with(source, field, &value);
        assert_eq!(program.rendered(POD), pod, "{field} from {source:?}");
        assert_eq!(program.rendered(BUILD), build, "{field} from {source:?}");
    }
}

const fn nowhere(_: &mut Value) {}

/// The container that builds.
fn container(pod: &mut Value) -> &mut Value {
    let container = &mut pod["spec"]["containers"][0];
    assert_eq!(container["name"], "image-build");
    container
}

/// The containers that run buildah: the one that builds, and the one that pushes.
fn with_buildah(pod: &mut Value) -> &mut [Value] {
    let containers = &mut pod["spec"]["containers"].as_array_mut().unwrap()[..2];
    assert_eq!([&containers[0]["name"], &containers[1]["name"]], ["image-build", "image-push"]);
    containers
}

fn push(list: &mut Value, item: Value) {
    list.as_array_mut().unwrap().push(item);
}

fn add_variable(pod: &mut Value, name: &str, value: &str) {
    for container in with_buildah(pod) {
        push(&mut container["env"], json!({"name": name, "value": value}));
    }
}

fn change_variable(container: &mut Value, name: &str, value: &str) {
    let variables = container["env"].as_array_mut().unwrap();
    variables.iter_mut().find(|variable| variable["name"] == name).unwrap()["value"] = json!(value);
}

/// A file of a ConfigMap, mounted read-only ahead of the volumes of the helper.
fn add_file(pod: &mut Value, volume: &str, config_map: &str, key: &str, path: &str) {
    let volumes = pod["spec"]["volumes"].as_array_mut().unwrap();
    let items = json!([{"key": key, "path": path}]);
    volumes.insert(4, json!({"name": volume, "configMap": {"name": config_map, "items": items}}));
    // After the credentials, and ahead of what the containers hand on.
    for (container, at) in with_buildah(pod).iter_mut().zip([3, 1]) {
        let mounts = container["volumeMounts"].as_array_mut().unwrap();
        mounts.insert(at, json!({"name": volume, "mountPath": format!("/tmp/{volume}"), "readOnly": true}));
    }
}

#[test]
fn the_builder_image_is_that_of_the_containers_that_build_and_push() {
    let image = "registry.test/tools/buildah:1.41";
    let in_pod = |pod: &mut Value| with_buildah(pod).iter_mut().for_each(|it| it["image"] = json!(image));
    arrives("build.builderImage", json!(image), in_pod, nowhere);
}

#[test]
fn the_digest_handoff_says_whether_there_is_a_helper() {
    let without_helper = |pod: &mut Value| {
        pod["spec"]["containers"].as_array_mut().unwrap().truncate(2);
        pod["spec"]["volumes"].as_array_mut().unwrap().truncate(5);
        with_buildah(pod)[1]["volumeMounts"].as_array_mut().unwrap().truncate(2);
    };
    arrives("build.digestHandoff", json!("termination-message"), without_helper, nowhere);
}

#[test]
fn the_build_deadline_is_that_of_the_object_in_whole_seconds() {
    arrives(
        "buildDeadline",
        json!("90m"),
        |pod| pod["spec"]["activeDeadlineSeconds"] = json!(5400),
        |build| build["spec"]["completionDeadlineSeconds"] = json!(5400),
    );
    arrives(
        "buildDeadline",
        json!("1500ms"),
        |pod| pod["spec"]["activeDeadlineSeconds"] = json!(2),
        |build| build["spec"]["completionDeadlineSeconds"] = json!(2),
    );
    assert_eq!(Program::new().rendered(POD)["spec"]["activeDeadlineSeconds"], 3600);
}

#[test]
fn the_namespace_is_that_of_the_object_and_of_what_its_helper_makes() {
    let default = "openshift-machine-config-operator";
    let in_pod = |pod: &mut Value| {
        pod["metadata"]["namespace"] = json!("builds");
        let manifest = &mut pod["spec"]["containers"][2]["env"][0]["value"];
        *manifest = json!(manifest.as_str().unwrap().replace(default, "builds"));
    };
    arrives("namespace", json!("builds"), in_pod, |build| build["metadata"]["namespace"] = json!("builds"));
}

#[test]
fn resources_are_those_of_the_container_that_builds_and_are_stated_by_the_others() {
    for (resources, of_push, of_helper) in [
        (
            json!({"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"memory": "4Gi"}}),
            json!({"requests": {"cpu": "250m", "memory": "128Mi"}, "limits": {"memory": "4Gi"}}),
            json!({"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}),
        ),
        (
            json!({"limits": {"ephemeral-storage": "20Gi"}}),
            json!({"requests": {"ephemeral-storage": "128Mi"}, "limits": {"ephemeral-storage": "20Gi"}}),
            json!({"requests": {"ephemeral-storage": "128Mi"}, "limits": {"ephemeral-storage": "512Mi"}}),
        ),
        (
            json!({"requests": {"cpu": "10m"}, "limits": {"nvidia.com/gpu": "1"}}),
            json!({"requests": {"cpu": "10m"}}),
            json!({"requests": {"cpu": "10m"}}),
        ),
    ] {
        let in_pod = |pod: &mut Value| {
            container(pod)["resources"] = resources.clone();
            for (number, of_other) in [(1, &of_push), (2, &of_helper)] {
                pod["spec"]["containers"][number]["resources"] = of_other.clone();
            }
        };
        arrives("build.resources", resources.clone(), in_pod, |build| build["spec"]["resources"] = resources.clone());
    }
}

#[test]
fn the_node_selector_is_the_objects() {
    let labels = json!({"node-role.kubernetes.io/infra": "", "kubernetes.io/arch": "amd64"});
    arrives(
        "build.nodeSelector",
        labels.clone(),
        |pod| pod["spec"]["nodeSelector"] = labels.clone(),
        |build| build["spec"]["nodeSelector"] = labels.clone(),
    );
}

#[test]
fn tolerations_are_the_pods() {
    let tolerations = json!([
        {"key": "builds", "operator": "Equal", "value": "only", "effect": "NoSchedule"},
        {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30},
    ]);
    arrives("build.tolerations", tolerations.clone(), |pod| pod["spec"]["tolerations"] = tolerations.clone(), nowhere);
}

#[test]
fn the_priority_class_is_the_pods() {
    let in_pod = |pod: &mut Value| pod["spec"]["priorityClassName"] = json!("os-builds");
    arrives("build.priorityClassName", json!("os-builds"), in_pod, nowhere);
}

#[test]
fn labels_are_added_to_the_objects_own() {
    let add = |object: &mut Value| object["metadata"]["labels"]["team.test/name"] = json!("os");
    arrives("build.labels", json!({"team.test/name": "os"}), add, add);
}

#[test]
fn annotations_are_added_to_the_objects_own() {
    let key = "cluster-autoscaler.kubernetes.io/safe-to-evict";
    let add = |object: &mut Value| object["metadata"]["annotations"][key] = json!("false");
    arrives("build.annotations", json!({key: "false"}), add, add);
    // The settings must not override the annotation by which OpenShift admits the pod.
    let own = "openshift.io/required-scc";
    let add = |build: &mut Value| build["metadata"]["annotations"][own] = json!("privileged");
    arrives("build.annotations", json!({own: "privileged"}), nowhere, add);
}

/// Variables of the container, which buildah passes on to the steps; arguments of the Build, which steps alone see.
fn proxy_arrives(field: &str, value: &str, names: [&str; 2]) {
    let variables = || names.map(|name| json!({"name": name, "value": value}));
    arrives(
        field,
        json!(value),
        |pod| names.into_iter().for_each(|name| add_variable(pod, name, value)),
        |build| build["spec"]["strategy"]["dockerStrategy"]["buildArgs"] = json!(variables()),
    );
}

#[test]
fn the_http_proxy_is_a_variable_in_both_cases() {
    proxy_arrives("build.proxy.httpProxy", "http://proxy.test:3128", ["HTTP_PROXY", "http_proxy"]);
}

#[test]
fn the_https_proxy_is_a_variable_in_both_cases() {
    proxy_arrives("build.proxy.httpsProxy", "http://bob:s3cr3t@proxy.test:3128", ["HTTPS_PROXY", "https_proxy"]);
}

#[test]
fn a_password_is_none_of_the_kubelets_variables() {
    let program = Program::new().file("build: {proxy: {httpProxy: 'http://bob:$(HOME)$$@proxy.test'}}");
    let value = json!("http://bob:$$(HOME)$$$$@proxy.test");
    assert_eq!(container(&mut program.rendered(POD))["env"][7], json!({"name": "HTTP_PROXY", "value": value}));
}

#[test]
fn what_is_reached_without_a_proxy_is_a_variable_in_both_cases() {
    proxy_arrives("build.proxy.noProxy", ".cluster.local,10.0.0.0/8", ["NO_PROXY", "no_proxy"]);
}

#[test]
fn the_trusted_bundle_is_mounted_and_read_beside_the_systems() {
    let in_pod = |pod: &mut Value| {
        add_file(pod, "trusted-ca", "corporate", "ca-bundle.crt", "ca-bundle.crt");
        add_variable(pod, "SSL_CERT_DIR", "/etc/ssl/certs:/etc/pki/tls/certs:/tmp/trusted-ca");
    };
    let in_build = |build: &mut Value| build["spec"]["mountTrustedCA"] = json!(true);
    arrives("build.trustedCaConfigMap", json!("corporate"), in_pod, in_build);
}

#[test]
fn the_trusted_bundle_may_have_another_key() {
    arrives("build.trustedCaKey", json!("bundle.pem"), nowhere, nowhere);
    let program = Program::new().file("build: {trustedCaConfigMap: corporate, trustedCaKey: bundle.pem}");
    let items = &program.rendered(POD)["spec"]["volumes"][4]["configMap"]["items"];
    assert_eq!(items, &json!([{"key": "bundle.pem", "path": "ca-bundle.crt"}]));
}

#[test]
fn the_registries_configuration_is_mounted_and_named() {
    let in_pod = |pod: &mut Value| {
        add_file(pod, "registries", "mirrors", "registries.conf", "registries.conf");
        add_variable(pod, "CONTAINERS_REGISTRIES_CONF", "/tmp/registries/registries.conf");
    };
    arrives("build.registriesConfigMap", json!("mirrors"), in_pod, nowhere);
}

#[test]
fn the_isolation_is_buildahs() {
    for isolation in ["oci", "rootless"] {
        let in_pod = |pod: &mut Value| change_variable(container(pod), "BUILDAH_ISOLATION", isolation);
        arrives("build.isolation", json!(isolation), in_pod, nowhere);
    }
}

#[test]
fn the_storage_driver_is_buildahs() {
    let in_pod =
        |pod: &mut Value| with_buildah(pod).iter_mut().for_each(|it| change_variable(it, "STORAGE_DRIVER", "overlay"));
    arrives("build.storageDriver", json!("overlay"), in_pod, nowhere);
}
