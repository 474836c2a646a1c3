//! Creating objects.

use super::harness::*;

#[test]
fn a_new_object_gets_a_uid_a_version_and_a_time() {
    case_of(named("a"), async |world, object| {
        assert_eq!(uid(&object).len(), 36, "{object}");
        assert!(version(&object).parse::<u64>().is_ok_and(|version| version > 0), "{object}");
        assert!(text(&object, "/metadata/creationTimestamp").parse::<jiff::Timestamp>().is_ok(), "{object}");
        assert_eq!(text(&object, "/metadata/namespace"), world.namespace);
    });
}

#[test]
fn a_new_object_names_its_kind_and_version() {
    case_of(named("a"), async |_, object| {
        assert_eq!((text(&object, "/kind"), text(&object, "/apiVersion")), ("ConfigMap", "v1"));
    });
}

#[test]
fn what_only_the_server_sets_is_not_taken_from_a_client() {
    case(async |world| {
        let past = "2000-01-01T00:00:00Z";
        let given = json!({"metadata": {"name": "a", "uid": "mine", "generation": 9, "creationTimestamp": past,
            "deletionTimestamp": past, "selfLink": "/x"}});
        let object = world.made(given).await;
        assert_ne!(uid(&object), "mine");
        assert_ne!(text(&object, "/metadata/creationTimestamp"), past);
        assert!(object["metadata"].get("deletionTimestamp").is_none(), "{object}");
        assert!(object["metadata"].get("selfLink").is_none(), "{object}");
    });
}

#[test]
fn what_was_created_can_be_read() {
    case_of(with_data("a", json!({"k": "v"})), async |world, made| {
        assert_eq!(world.get(&world.map("a")).await.ok(), made);
    });
}

#[test]
fn a_second_object_of_one_name_already_exists() {
    case_of(named("a"), async |world, _| {
        let status = world.post(&world.maps(), &named("a")).await.refused(409, "AlreadyExists");
        assert_eq!(status["message"], "configmaps \"a\" already exists");
        assert_eq!(status["details"], json!({"name": "a", "kind": "configmaps"}));
    });
}

#[test]
fn objects_of_two_kinds_may_have_one_name() {
    case_of(named("a"), async |world, _| {
        world.post(&world.core("secrets"), &named("a")).await.ok();
    });
}

#[test]
fn a_generated_name_is_the_base_and_five_characters() {
    case(async |world| {
        let body = json!({"metadata": {"generateName": "base-"}});
        let (one, two) = (world.made(body.clone()).await, world.made(body).await);
        let suffix = text(&one, "/metadata/name").strip_prefix("base-").unwrap();
        assert!(suffix.len() == 5 && suffix.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c)), "{suffix}");
        assert_ne!(one["metadata"]["name"], two["metadata"]["name"]);
        assert_eq!(one["metadata"]["generateName"], "base-");
    });
}

#[test]
fn a_name_goes_before_a_generated_one() {
    case_of(json!({"metadata": {"name": "a", "generateName": "base-"}}), async |_, object| {
        assert_eq!(object["metadata"]["name"], "a");
    });
}

#[test]
fn a_generated_name_that_is_too_long_is_cut() {
    case_of(json!({"metadata": {"generateName": "x".repeat(80)}}), async |_, object| {
        assert_eq!(text(&object, "/metadata/name").len(), 63);
    });
}

#[test]
fn an_object_without_a_name_is_refused() {
    case(async |world| {
        let told = world.post(&world.maps(), &json!({"metadata": {}})).await;
        let message = told.invalid("metadata.name", "FieldValueRequired");
        assert_eq!(message, "Required value: name or generateName is required");
    });
}

#[test]
fn an_object_in_a_namespace_that_is_not_there_is_refused() {
    case(async |world| {
        let missing = world.unique("missing");
        let path = format!("{NAMESPACES}/{missing}/configmaps");
        let status = world.post(&path, &named("a")).await.refused(404, "NotFound");
        assert_eq!(status["message"], format!("namespaces \"{missing}\" not found"));
        assert_eq!(status["details"], json!({"name": missing, "kind": "namespaces"}));
    });
}

#[test]
fn a_body_of_another_kind_than_its_path_is_refused() {
    case(async |world| {
        let body = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
        world.post(&world.maps(), &body).await.refused(400, "BadRequest");
    });
}

#[test]
fn a_body_of_another_version_than_its_path_is_refused() {
    case(async |world| {
        let body = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "a"}});
        world.post(&world.maps(), &body).await.refused(400, "BadRequest");
    });
}

#[test]
fn a_body_with_another_namespace_than_its_path_is_refused() {
    case(async |world| {
        let body = json!({"metadata": {"name": "a", "namespace": "default"}});
        let status = world.post(&world.maps(), &body).await.refused(400, "BadRequest");
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        assert_eq!(status["message"], message);
    });
}

#[test]
fn a_body_may_leave_out_its_kind_and_version() {
    case_of(named("a"), async |_, object| {
        assert_eq!(object["kind"], "ConfigMap");
    });
}

#[test]
fn a_namespace_is_active_and_labelled_with_its_name() {
    case(async |world| {
        let namespace = world.get(&format!("{NAMESPACES}/{}", world.namespace)).await.ok();
        assert_eq!(namespace["status"]["phase"], "Active");
        assert_eq!(namespace["metadata"]["labels"]["kubernetes.io/metadata.name"], world.namespace.as_str());
    });
}

#[test]
fn a_namespace_has_the_name_of_a_label() {
    case(async |world| {
        for name in ["a.b", "A", &"a".repeat(64)] {
            world.post(NAMESPACES, &named(name)).await.invalid("metadata.name", "FieldValueInvalid");
        }
    });
}

#[test]
fn what_lives_in_no_namespace_is_not_put_into_one() {
    case(async |world| {
        let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        let name = world.unique("role");
        let role = json!({"metadata": {"name": name, "namespace": world.namespace}, "rules": []});
        let role = world.post(roles, &role).await.ok();
        world.owes(&format!("{roles}/{name}"));
        assert!(role["metadata"].get("namespace").is_none(), "{role}");
    });
}
