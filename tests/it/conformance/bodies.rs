//! Malformed requests: each must get an answer, and the answer must be a Status.

use bytes::Bytes;
use http::Method;

use super::harness::*;

#[test]
fn a_body_that_is_no_json_is_a_bad_request() {
    case(async |world| {
        for body in ["{", "nonsense", "{\"metadata\": {\"name\": \"a\"}", "\u{0}"] {
            world.send(Method::POST, &world.maps(), JSON, body).await.refused(400, "BadRequest");
        }
    });
}

#[test]
fn a_body_that_is_nested_too_deeply_is_a_bad_request() {
    case(async |world| {
        let nested = format!("{{\"metadata\": {}}}", "[".repeat(100_000));
        world.send(Method::POST, &world.maps(), JSON, nested).await.refused(400, "BadRequest");
    });
}

#[test]
fn a_body_that_is_no_yaml_is_a_bad_request() {
    case(async |world| {
        let told = world.send(Method::POST, &world.maps(), "application/yaml", "metadata: [x").await;
        told.refused(400, "BadRequest");
    });
}

#[test]
fn a_body_may_be_yaml() {
    case(async |world| {
        let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n";
        let object = world.send(Method::POST, &world.maps(), "application/yaml", yaml).await.ok();
        assert_eq!(object["data"]["k"], "v");
    });
}

#[test]
fn a_body_of_another_type_is_not_supported() {
    case(async |world| {
        let body = named("a").to_string();
        let status = world.send(Method::POST, &world.maps(), "text/plain", body).await;
        let status = status.refused(415, "UnsupportedMediaType");
        let start = "the body of the request was in an unknown format - accepted media types include: application/json";
        assert!(text(&status, "/message").starts_with(start), "{status}");
    });
}

#[test]
fn a_body_of_more_than_three_mebibytes_is_too_large() {
    case(async |world| {
        let body = with_data("a", json!({"k": "x".repeat(3 << 20)})).to_string();
        world.send(Method::POST, &world.maps(), JSON, body).await.refused(413, "RequestEntityTooLarge");
    });
}

#[test]
fn a_patch_of_more_than_three_mebibytes_is_too_large() {
    case_of(named("a"), async |world, _| {
        let told = world.merge(&world.map("a"), &json!({"data": {"k": "x".repeat(3 << 20)}})).await;
        told.refused(413, "RequestEntityTooLarge");
    });
}

#[test]
fn a_resource_that_is_not_served_is_not_found() {
    case(async |world| {
        let status = world.get(&world.core("nonsense")).await.refused(404, "NotFound");
        assert_eq!(status["message"], "the server could not find the requested resource");
        assert_eq!(status["details"], json!({}));
    });
}

#[test]
fn a_subresource_that_is_not_served_is_not_found() {
    case_of(named("a"), async |world, _| {
        world.get(&format!("{}/status", world.map("a"))).await.refused(404, "NotFound");
    });
}

#[test]
fn a_method_that_does_not_fit_the_path_is_not_allowed() {
    case(async |world| {
        let (all, one) = (world.maps(), world.map("a"));
        for (method, path, media_type) in [
            (Method::POST, one.as_str(), JSON),
            (Method::PUT, all.as_str(), JSON),
            (Method::PATCH, all.as_str(), MERGE_PATCH),
            (Method::POST, "/api/v1/configmaps", JSON),
        ] {
            let status = world.send(method, path, media_type, "{}").await.refused(405, "MethodNotAllowed");
            assert_eq!(status["message"], "the server does not allow this method on the requested resource");
        }
    });
}

#[test]
fn a_form_that_is_not_served_is_not_acceptable() {
    case(async |world| {
        world.get_as(&world.maps(), "text/html").await.refused(406, "NotAcceptable");
    });
}

#[test]
fn a_form_that_is_not_served_is_passed_over_for_one_that_is() {
    case(async |world| {
        let list = world.get_as(&world.maps(), "text/html,application/json").await.ok();
        assert_eq!(list["kind"], "ConfigMapList");
    });
}

#[test]
fn an_answer_may_be_yaml() {
    case_of(named("a"), async |world, _| {
        let told = world.get_as(&world.map("a"), "application/yaml").await;
        assert!(told.body.as_str().is_some_and(|yaml| yaml.contains("kind: ConfigMap")), "{told:?}");
    });
}

#[test]
fn metadata_can_be_read_alone() {
    case_of(with_data("a", json!({"k": "v"})), async |world, _| {
        let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        let object = world.get_as(&world.map("a"), accept).await.ok();
        assert_eq!((text(&object, "/kind"), text(&object, "/apiVersion")), ("PartialObjectMetadata", "meta.k8s.io/v1"));
        assert_eq!((text(&object, "/metadata/name"), object.get("data")), ("a", None));
        let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        assert_eq!(world.get_as(&world.maps(), accept).await.ok()["kind"], "PartialObjectMetadataList");
    });
}

#[test]
fn the_server_lives_on_after_bytes_that_are_no_text() {
    case(async |world| {
        let bytes = Bytes::from_static(b"\xff\xfe\x00{");
        world.send(Method::POST, &world.maps(), JSON, bytes).await.refused(400, "BadRequest");
        world.made(named("a")).await;
    });
}
