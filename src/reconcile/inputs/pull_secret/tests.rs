use super::*;

fn secret(secret_type: &str, key: &str, body: &str) -> Object {
    serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Secret", "type": secret_type,
        "metadata": {"name": "pull", "namespace": "ns", "uid": "u1"},
        "data": {key: STANDARD.encode(body)},
    }))
    .unwrap()
}

fn canonical_body(source: &Object) -> Value {
    let canonical = normalise(source).unwrap().canonical.expect("a canonical Secret");
    let canonical = canonical.expose();
    assert!(is_canonical_of(canonical, source));
    assert_eq!(canonical.data["type"], MODERN_TYPE);
    let encoded = canonical.data["data"][MODERN_KEY].as_str().unwrap();
    serde_json::from_slice(&STANDARD.decode(encoded).unwrap()).unwrap()
}

const LEGACY: &str = r#"{"registry.test":{"auth":"eDp5"}}"#;
const MODERN: &str = r#"{"auths":{"registry.test":{"auth":"eDp5"}}}"#;

#[test]
fn a_modern_secret_is_mounted_as_it_is() {
    let found = normalise(&secret(MODERN_TYPE, MODERN_KEY, MODERN)).unwrap();
    assert_eq!(found.name, "pull");
    assert!(found.canonical.is_none());
}

#[test]
fn l29_every_other_mix_of_type_and_body_becomes_a_modern_secret() {
    let expected: Value = serde_json::from_str(MODERN).unwrap();
    for (secret_type, key, body) in
        [(LEGACY_TYPE, LEGACY_KEY, LEGACY), (LEGACY_TYPE, LEGACY_KEY, MODERN), (MODERN_TYPE, MODERN_KEY, LEGACY)]
    {
        let source = secret(secret_type, key, body);
        assert_eq!(canonical_body(&source), expected, "{secret_type} {body}");
        assert_eq!(normalise(&source).unwrap().name, "pull-canonical");
    }
}

#[test]
fn l30_an_empty_auths_is_not_wrapped_again() {
    let source = secret(LEGACY_TYPE, LEGACY_KEY, r#"{"auths":{}}"#);
    assert_eq!(canonical_body(&source), json!({"auths": {}}));
}

#[test]
fn l28_a_name_alone_does_not_make_a_secret_canonical() {
    let source = secret(LEGACY_TYPE, LEGACY_KEY, LEGACY);
    let mut lookalike = source.clone();
    lookalike.metadata.name = Some("pull-canonical".into());
    assert!(!is_canonical_of(&lookalike, &source));
}

#[test]
fn bad_bodies_are_named_and_never_quoted() {
    for (secret_type, key, body, problem) in [
        ("Opaque", MODERN_KEY, MODERN, "its type is \"Opaque\""),
        (MODERN_TYPE, LEGACY_KEY, MODERN, "it is missing"),
        (MODERN_TYPE, MODERN_KEY, "", "it is empty"),
        (MODERN_TYPE, MODERN_KEY, " \n", "it is empty"),
        (MODERN_TYPE, MODERN_KEY, "hunter2", "it is not a JSON object"),
        (MODERN_TYPE, MODERN_KEY, "[\"hunter2\"]", "it is not a JSON object"),
        (MODERN_TYPE, MODERN_KEY, r#"{"auths":"hunter2"}"#, "its auths is not"),
        (
            LEGACY_TYPE,
            LEGACY_KEY,
            r#"{"registry.test":"hunter2"}"#,
            "the entry of \"registry.test\": it is not a JSON object",
        ),
    ] {
        let fault = normalise(&secret(secret_type, key, body)).err().expect(body).to_string();
        assert!(fault.contains(problem), "{fault}");
        assert!(!fault.contains("hunter2"), "{fault}");
    }
}

fn modern(entry: Value) -> Object {
    secret(MODERN_TYPE, MODERN_KEY, &json!({"auths": {"registry.test": entry}}).to_string())
}

fn problem(source: &Object) -> String {
    normalise(source).err().map(|fault| fault.to_string()).unwrap_or_default()
}

#[test]
fn an_entry_that_buildah_and_the_kubelet_read_stays_as_it_is() {
    let wrapped = "YWxpY2U6\naHVudGVyMg==\n";
    for entry in [
        json!({"auth": "YWxpY2U6aHVudGVyMg=="}),
        json!({"auth": wrapped}),
        json!({"auth": wrapped.replace('\n', "\r\n"), "email": "a@registry.test"}),
        json!({"Auth": "YWxpY2U6aHVudGVyMg=="}),
        json!({"auth": "YWxpY2U6aHVudGVyMg==", "username": "bob", "password": "other"}),
        json!({"auth": "YWxpY2U6", "identitytoken": "t"}),
        json!({"auth": "YWxpY2U6YTpi"}),
    ] {
        assert!(normalise(&modern(entry.clone())).unwrap().canonical.is_none(), "{entry}");
    }
    assert!(normalise(&secret(MODERN_TYPE, MODERN_KEY, r#"{"auths":{}}"#)).unwrap().canonical.is_none());
}

#[test]
fn an_entry_that_one_of_them_reads_is_brought_into_the_form_that_both_read() {
    for (entry, auth) in [
        (json!({"username": "alice", "password": "hunter2"}), "alice:hunter2"),
        (json!({"Username": "alice", "PASSWORD": "hunter2", "auth": ""}), "alice:hunter2"),
        (json!({"username": "alice", "password": "a:b", "auth": null}), "alice:a:b"),
        (json!({"username": "alice", "identitytoken": "t"}), "alice:"),
        (json!({"auth": "YWxpY2U6aHVudGVyMg"}), "alice:hunter2"),
        (json!({"auth": "YWxpY2U6aHVu\ndGVyMg"}), "alice:hunter2"),
        (json!({"auth": " YWxpY2U6aHVudGVyMg== "}), "alice:hunter2"),
        (json!({"auth": STANDARD.encode("alice:hunter2\0\0")}), "alice:hunter2"),
        (json!({"auth": "YWxpY2U6aHVudGVyMg==\0"}), "alice:hunter2"),
    ] {
        let body = canonical_body(&modern(entry.clone()));
        assert_eq!(body["auths"]["registry.test"]["auth"], STANDARD.encode(auth), "{entry}");
    }
    let legacy = secret(LEGACY_TYPE, LEGACY_KEY, r#"{"registry.test":{"username":"alice","password":"hunter2"}}"#);
    assert_eq!(canonical_body(&legacy)["auths"]["registry.test"]["auth"], STANDARD.encode("alice:hunter2"));
}

#[test]
fn what_is_not_at_fault_stays_beside_what_is_brought_into_form() {
    let body = json!({"auths": {
        "a.test": {"auth": "YWxpY2U6aHVudGVyMg==", "future": [1]},
        "b.test": {"username": "bob", "password": "hunter2", "email": "b@b.test"},
    }});
    let canonical = canonical_body(&secret(MODERN_TYPE, MODERN_KEY, &body.to_string()));
    assert_eq!(canonical["auths"]["a.test"], body["auths"]["a.test"]);
    assert_eq!(canonical["auths"]["b.test"]["email"], "b@b.test");
}

#[test]
fn an_entry_that_buildah_cannot_use_is_refused_with_its_host_and_never_quoted() {
    let auth = |pair: &str| json!({"auth": STANDARD.encode(pair)});
    for (entry, says) in [
        (json!({"auth": "hunter2!"}), "its auth is not base64"),
        (json!({"auth": "aHVu dGVyMg=="}), "its auth is not base64"),
        (auth("hunter2"), "no colon"),
        (auth(":hunter2"), "no user"),
        (auth("hunter2:"), "no password"),
        (auth("alice:hunter2\n"), "a line break"),
        (json!({"auth": 7}), "its auth is not a string"),
        (json!({"username": "alice", "password": 7}), "its password is not a string"),
        (json!({"username": "hunter2"}), "no password"),
        (json!({"password": "hunter2"}), "no username"),
        (json!({"username": "a:b", "password": "hunter2"}), "a colon"),
        (json!({"identitytoken": "hunter2"}), "an identitytoken and no user"),
        (json!({"registrytoken": "hunter2"}), "a registrytoken alone"),
        (json!({}), "it is empty"),
        (json!({"auth": ""}), "it is empty"),
        (json!({"email": "a@registry.test"}), "it is empty"),
        (json!(["hunter2"]), "it is not a JSON object"),
    ] {
        let text = problem(&modern(entry.clone()));
        assert!(text.contains("the entry of \"registry.test\": ") && text.contains(says), "{entry}: {text}");
        assert!(!text.contains("hunter2") && !text.contains(&STANDARD.encode("hunter2")), "{text}");
    }
}

#[test]
fn fields_beside_auths_are_named() {
    for (body, says) in [
        (
            json!({"credHelpers": {"r.test": "ecr-login"}}),
            "\"credHelpers\", and no credential helper runs in a build pod",
        ),
        (json!({"credsStore": "ecr-login"}), "\"credsStore\", and no credential helper runs in a build pod"),
        (json!({"auths": {}, "credsStore": "desktop"}), "\"credsStore\", and no credential helper"),
        (json!({"Auths": {}}), "\"Auths\"; did you mean auths?"),
        (json!({"AUTHS": {"r.test": {"auth": "YTpi"}}}), "\"AUTHS\"; did you mean auths?"),
        (json!({"auths": {}, "HttpHeaders": {"Authorization": "Bearer hunter2"}}), "\"HttpHeaders\" beside auths"),
        (json!({"auths": {}, "currentContext": "x"}), "\"currentContext\" beside auths"),
        (json!({"auths": {}, "r.test": {"auth": "YTpi"}}), "\"r.test\" beside auths"),
        (json!({"psFormat": "x", "detachKeys": "y"}), "\"detachKeys\" beside auths"),
    ] {
        for (secret_type, key) in [(MODERN_TYPE, MODERN_KEY), (LEGACY_TYPE, LEGACY_KEY)] {
            let text = problem(&secret(secret_type, key, &body.to_string()));
            assert!(text.contains(says) && !text.contains("hunter2"), "{body}: {text}");
        }
    }
}

#[test]
fn bodies_that_are_no_plain_json_are_told_apart() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (body, says) in [
        (format!("\u{feff}{MODERN}").into_bytes(), "begins with a byte order mark"),
        (utf16(&format!("\u{feff}{MODERN}")), "looks like UTF-16"),
        (utf16(MODERN), "looks like UTF-16"),
        (STANDARD.encode(MODERN).into_bytes(), "encoded in base64 twice"),
        (format!("{}\n", STANDARD.encode(MODERN)).into_bytes(), "encoded in base64 twice"),
        (
            br#"{"auths":{"r.test":{"auth":"YTpi"},"r.test":{"auth":"YTpj"}}}"#.to_vec(),
            "two fields \"r.test\" in one object",
        ),
        (br#"{"auths":{},"auths":{}}"#.to_vec(), "two fields \"auths\" in one object"),
        (b"auths:\n  r.test: {}\n".to_vec(), "it is not a JSON object"),
        (b"\xff\xffabc".to_vec(), "it is not a JSON object"),
    ] {
        let mut source = secret(MODERN_TYPE, MODERN_KEY, "");
        source.data["data"][MODERN_KEY] = STANDARD.encode(&body).into();
        assert!(problem(&source).contains(says), "{says}: {}", problem(&source));
    }
}

#[test]
fn data_is_read_as_the_api_server_reads_it() {
    let wrapped = |text: &str| format!("{}\n{}\n", &text[..8], &text[8..]);
    let mut source = secret(MODERN_TYPE, MODERN_KEY, MODERN);
    source.data["data"][MODERN_KEY] = wrapped(&STANDARD.encode(MODERN)).into();
    assert!(normalise(&source).is_ok());
    source.data["data"][MODERN_KEY] = STANDARD.encode(r#"{"auths":{} }"#).trim_end_matches('=').into();
    assert!(problem(&source).contains("it is not base64"), "{}", problem(&source));
}

#[test]
fn keys_that_only_the_kubelet_reads_are_written_as_buildah_reads_them() {
    let entry = json!({"auth": "YTpi"});
    for (key, expected) in [
        ("r.test/", "r.test"),
        ("r.test/v1/", "r.test"),
        ("r.test/v2", "r.test"),
        ("index.docker.io/v1/", "index.docker.io"),
        ("r.test/org/", "r.test/org"),
        ("HTTPS://r.test", "r.test"),
        ("httpS://r.test:5000/v2/", "r.test:5000"),
        ("r.test/v1/org", "r.test/org"),
        ("r.test/v2/org/os/", "r.test/org/os"),
        ("index.docker.io/org", "docker.io/org"),
        ("registry-1.docker.io/org/os", "docker.io/org/os"),
        ("index.docker.io/v1/org", "docker.io/org"),
    ] {
        let canonical = canonical_body(&secret(MODERN_TYPE, MODERN_KEY, &json!({"auths": {key: entry}}).to_string()));
        assert_eq!(canonical, json!({"auths": {expected: entry}}), "{key}");
    }
    for key in ["r.test", "r.test:5000", "r.test/org", "https://r.test/v1/", "https://index.docker.io/v1/", "docker.io"]
    {
        let source = secret(MODERN_TYPE, MODERN_KEY, &json!({"auths": {key: entry}}).to_string());
        assert!(normalise(&source).unwrap().canonical.is_none(), "{key}");
    }
    let both = json!({"auths": {"r.test": {"auth": "YTpi"}, "r.test/": {"auth": "Yzpk"}}});
    let canonical = canonical_body(&secret(MODERN_TYPE, MODERN_KEY, &both.to_string()));
    assert_eq!(canonical, json!({"auths": {"r.test": {"auth": "YTpi"}}}));
}

#[test]
fn keys_that_buildah_never_looks_for_are_refused_and_nothing_secret_in_them_is_shown() {
    for (key, says) in [
        ("*.r.test", "more than one host"),
        ("", "not named"),
        (" r.test", "not named"),
        ("r.test\n", "not named"),
        ("docker://r.test", "an address of a kind"),
        ("oci://r.test/org", "an address of a kind"),
        ("//r.test", "begins with slashes"),
        ("r.test/org/os:latest", "a tag or a digest"),
        ("r.test/org/os@sha256:0a", "a tag or a digest"),
        ("r.test/org/*", "more than one host"),
        ("r.test/*", "more than one host"),
        ("r[12].test", "more than one host"),
        ("r?.test", "neither patterns nor queries"),
        ("https://r.test?x=hunter2", "neither patterns nor queries"),
        ("https://*.r.test", "more than one host"),
        ("u@r.test", "a user in it"),
        ("https://u:hunter2@r.test", "a user in it"),
        ("u:hunter2@r.test/org", "a user in it"),
        ("docker://u:hunter2@r.test", "an address of a kind"),
        ("https://", "not named"),
    ] {
        let text = problem(&secret(MODERN_TYPE, MODERN_KEY, &json!({"auths": {key: {"auth": "YTpi"}}}).to_string()));
        assert!(text.contains(says), "{key}: {text}");
        assert!(!text.contains("hunter2") && !text.contains("u@"), "{key}: {text}");
    }
    let twice = r#"{"auths":{"u:hunter2@r.test":{},"u:hunter2@r.test":{}}}"#;
    let text = problem(&secret(MODERN_TYPE, MODERN_KEY, twice));
    assert!(text.contains("two fields \"…@r.test\"") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_password_that_is_a_key_file_is_taken_as_it_is() {
    let key_file = "{\n\t\"type\": \"service_account\"\n}";
    for password in [key_file.to_owned(), format!("{key_file}\n"), "hunter\t2".to_owned(), "a\nb".to_owned()] {
        let entry = json!({"auth": STANDARD.encode(format!("_json_key:{password}"))});
        assert!(normalise(&modern(entry)).unwrap().canonical.is_none(), "{password:?}");
        let words = modern(json!({"username": "_json_key", "password": password}));
        let auth = STANDARD.encode(format!("_json_key:{password}"));
        assert_eq!(canonical_body(&words)["auths"]["registry.test"]["auth"], auth, "{password:?}");
    }
    for (user, password, says) in [
        ("a\tb", "hunter2", "its user has a line break"),
        ("a", "hunter2\r\n", "its password has a line break"),
        ("a", "\thunter2", "its password has a line break"),
        ("a", "{hunter2\n", "its password has a line break"),
        ("a", "hun\0ter2", "a NUL character"),
    ] {
        let text = problem(&modern(json!({"auth": STANDARD.encode(format!("{user}:{password}"))})));
        assert!(text.contains(says) && !text.contains("hunter2"), "{text}");
    }
}
