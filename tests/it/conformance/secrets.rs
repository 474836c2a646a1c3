//! Validation of Secrets.

use super::harness::*;

#[test]
fn a_secret_is_opaque_unless_it_says_otherwise() {
    case(async |world| {
        let secret = world.post(&world.core("secrets"), &named("a")).await.ok();
        assert_eq!(secret["type"], "Opaque");
    });
}

#[test]
fn strings_are_stored_encoded() {
    case(async |world| {
        let body = json!({"metadata": {"name": "a"}, "stringData": {"k": "hello"}, "data": {"l": "AA=="}});
        let secret = world.post(&world.core("secrets"), &body).await.ok();
        assert_eq!(secret["data"], json!({"k": "aGVsbG8=", "l": "AA=="}));
        assert!(secret.get("stringData").is_none(), "{secret}");
    });
}

#[test]
fn a_string_goes_before_data_of_its_key() {
    case(async |world| {
        let body = json!({"metadata": {"name": "a"}, "stringData": {"k": "hello"}, "data": {"k": "AA=="}});
        let secret = world.post(&world.core("secrets"), &body).await.ok();
        assert_eq!(secret["data"], json!({"k": "aGVsbG8="}));
    });
}

#[test]
fn strings_are_patched_into_data() {
    case(async |world| {
        let secrets = world.core("secrets");
        world.post(&secrets, &named("a")).await.ok();
        let patched = world.merge(&format!("{secrets}/a"), &json!({"stringData": {"k": "hello"}})).await.ok();
        assert_eq!(patched["data"], json!({"k": "aGVsbG8="}));
    });
}

#[test]
fn data_that_is_not_encoded_is_a_bad_request() {
    case(async |world| {
        let told = world.post(&world.core("secrets"), &with_data("a", json!({"k": "not base64!"}))).await;
        told.refused(400, "BadRequest");
    });
}

#[test]
fn data_is_stored_as_the_bytes_that_it_stands_for() {
    case(async |world| {
        let secrets = world.core("secrets");
        for (index, text) in ["aGVsbG8=\n", "aGVs\nbG8=", "aGVs\r\nbG8\n=", "aGVsbG9="].into_iter().enumerate() {
            let secret = world.post(&secrets, &with_data(&format!("a{index}"), json!({"k": text}))).await.ok();
            assert_eq!(secret["data"]["k"], "aGVsbG8=", "{text:?}");
        }
        let patched = world.merge(&format!("{secrets}/a0"), &json!({"data": {"k": "Ynll\n"}})).await.ok();
        assert_eq!(patched["data"]["k"], "Ynll");
    });
}

#[test]
fn data_needs_its_padding_and_has_no_other_white_space() {
    case(async |world| {
        for text in ["aGVsbG8", "aGVs bG8=", " aGVsbG8=", "aGVs-_8=", "aGVsbG8=x"] {
            let told = world.post(&world.core("secrets"), &with_data("a", json!({"k": text}))).await;
            told.refused(400, "BadRequest");
        }
    });
}

#[test]
fn credentials_for_registries_may_be_wrapped() {
    case(async |world| {
        // {"auths":{"registry.example.com":{}}}
        let data = json!({".dockerconfigjson": "eyJhdXRocyI6eyJyZWdpc3RyeS5l\neGFtcGxlLmNvbSI6e319fQ==\n"});
        let body = json!({"metadata": {"name": "a"}, "type": "kubernetes.io/dockerconfigjson", "data": data});
        let secret = world.post(&world.core("secrets"), &body).await.ok();
        assert_eq!(secret["data"][".dockerconfigjson"], "eyJhdXRocyI6eyJyZWdpc3RyeS5leGFtcGxlLmNvbSI6e319fQ==");
    });
}

#[test]
fn the_type_of_a_secret_stays() {
    case(async |world| {
        let secrets = world.core("secrets");
        world.post(&secrets, &named("a")).await.ok();
        let told = world.merge(&format!("{secrets}/a"), &json!({"type": "example.com/other"})).await;
        told.invalid("type", "FieldValueInvalid");
    });
}

#[test]
fn a_secret_holds_what_its_type_needs() {
    case(async |world| {
        for (kind, key) in
            [("kubernetes.io/dockerconfigjson", ".dockerconfigjson"), ("kubernetes.io/ssh-auth", "ssh-privatekey")]
        {
            let body = json!({"metadata": {"name": "a"}, "type": kind});
            let told = world.post(&world.core("secrets"), &body).await;
            told.invalid(&format!("data[{key}]"), "FieldValueRequired");
        }
    });
}

#[test]
fn a_secret_holds_a_mebibyte() {
    case(async |world| {
        let filled = |bytes: usize| json!({"metadata": {"name": "a"}, "stringData": {"k": "x".repeat(bytes)}});
        let secrets = world.core("secrets");
        world.post(&secrets, &filled((1 << 20) + 1)).await.invalid("data", "FieldValueTooLong");
        world.post(&secrets, &filled(1 << 20)).await.ok();
    });
}

#[test]
fn an_immutable_secret_keeps_its_data() {
    case(async |world| {
        let secrets = world.core("secrets");
        let body = json!({"metadata": {"name": "a"}, "data": {"k": "AA=="}, "immutable": true});
        world.post(&secrets, &body).await.ok();
        let told = world.merge(&format!("{secrets}/a"), &json!({"data": {"k": "AQ=="}})).await;
        told.invalid("data", "FieldValueForbidden");
    });
}

#[test]
fn credentials_for_registries_are_json() {
    case(async |world| {
        let secret = |text: &str| {
            json!({"metadata": {"name": "a"}, "type": "kubernetes.io/dockerconfigjson",
                "stringData": {".dockerconfigjson": text}})
        };
        for text in ["hunter2", "[\"hunter2\"]"] {
            let told = world.post(&world.core("secrets"), &secret(text)).await;
            let message = told.invalid("data", "FieldValueInvalid");
            assert!(!message.contains("hunter2"), "{message}");
        }
        world.post(&world.core("secrets"), &secret("{\"auths\": {}}")).await.ok();
    });
}
