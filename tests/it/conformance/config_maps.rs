//! Validation of ConfigMaps.

use super::harness::*;

#[test]
fn a_config_map_holds_a_mebibyte() {
    case(async |world| {
        let filled = |bytes: usize| with_data("a", json!({"k": "x".repeat(bytes)}));
        let status = world.post(&world.maps(), &filled((1 << 20) + 1)).await.refused(422, "Invalid");
        assert_eq!(status["details"]["causes"][0]["reason"], "FieldValueTooLong", "{status}");
        assert!(text(&status, "/message").contains("Too long"), "{status}");
        world.made(filled(1 << 20)).await;
    });
}

#[test]
fn binary_data_counts_as_it_is_decoded() {
    case(async |world| {
        let half = "AAAA".repeat((1 << 19) / 3);
        let body = json!({"metadata": {"name": "a"}, "binaryData": {"k": half, "l": half}});
        world.made(body).await;
    });
}

#[test]
fn binary_data_is_stored_as_the_bytes_that_it_stands_for() {
    case(async |world| {
        let body = json!({"metadata": {"name": "a"}, "binaryData": {"k": "aGVs\nbG8=\n"}});
        let made = world.post(&world.maps(), &body).await.ok();
        assert_eq!(made["binaryData"]["k"], "aGVsbG8=");
    });
}

#[test]
fn an_update_that_makes_it_too_large_is_refused() {
    case_of(named("a"), async |world, _| {
        let patch = json!({"data": {"k": "x".repeat((1 << 20) + 1)}});
        world.merge(&world.map("a"), &patch).await.refused(422, "Invalid");
    });
}

#[test]
fn keys_of_data_have_a_syntax() {
    case(async |world| {
        for key in ["a b", "a/b", "..", "..a"] {
            let told = world.post(&world.maps(), &with_data("a", json!({key: ""}))).await;
            told.invalid(&format!("data[{key}]"), "FieldValueInvalid");
        }
        world.made(with_data("a", json!({"A-b_c.d": ""}))).await;
    });
}

#[test]
fn a_key_is_in_data_or_in_binary_data() {
    case(async |world| {
        let body = json!({"metadata": {"name": "a"}, "data": {"k": ""}, "binaryData": {"k": ""}});
        world.post(&world.maps(), &body).await.invalid("data[k]", "FieldValueInvalid");
    });
}

#[test]
fn data_that_is_no_text_is_a_bad_request() {
    case(async |world| {
        for data in [json!({"k": 1}), json!({"k": {}}), json!("text"), json!([])] {
            world.post(&world.maps(), &with_data("a", data)).await.refused(400, "BadRequest");
        }
    });
}

#[test]
fn binary_data_that_is_not_encoded_is_a_bad_request() {
    case(async |world| {
        let body = json!({"metadata": {"name": "a"}, "binaryData": {"k": "not base64!"}});
        world.post(&world.maps(), &body).await.refused(400, "BadRequest");
    });
}

#[test]
fn an_immutable_config_map_keeps_its_data_and_stays_immutable() {
    case(async |world| {
        let mut body = with_data("a", json!({"k": "v"}));
        body["immutable"] = true.into();
        world.made(body).await;
        let path = world.map("a");
        world.merge(&path, &json!({"data": {"k": "w"}})).await.invalid("data", "FieldValueForbidden");
        world.merge(&path, &json!({"immutable": false})).await.invalid("immutable", "FieldValueForbidden");
        world.merge(&path, &json!({"metadata": {"labels": {"a": "b"}}})).await.ok();
    });
}

#[test]
fn an_unknown_field_is_dropped() {
    case_of(json!({"metadata": {"name": "a"}, "more": 1}), async |_, object| {
        assert!(object.get("more").is_none(), "{object}");
    });
}

#[test]
fn an_unknown_field_is_refused_who_asks_for_that() {
    case(async |world| {
        let path = format!("{}?fieldValidation=Strict", world.maps());
        let body = json!({"metadata": {"name": "a"}, "more": 1});
        let status = world.post(&path, &body).await.refused(400, "BadRequest");
        assert!(text(&status, "/message").contains("unknown field \"more\""), "{status}");
    });
}
