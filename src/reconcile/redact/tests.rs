use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::api::{Object, Sensitive};

mod known;

fn secret(body: &str) -> Object {
    serde_json::from_value(json!({"metadata": {}, "data": {"x": STANDARD.encode(body)}})).unwrap()
}

fn known(words: &[&str]) -> Vec<Credential> {
    words.iter().map(|word| Sensitive::new(word.as_bytes().to_vec())).collect()
}

#[test]
fn l44_credentials_of_a_pull_secret_never_come_through() {
    let body = json!({"auths": {
        "a.test": {"auth": STANDARD.encode("user:hunter22")},
        "b.test": {"username": "bob", "password": "s3cr3tpw", "identitytoken": "tok-en"},
    }});
    let found = credentials(&secret(&body.to_string()));
    let text = format!("login user:hunter22 s3cr3tpw {} tok-en bob", STANDARD.encode("user:hunter22"));
    assert_eq!(scrub(&text, &found), "login [redacted] [redacted] [redacted] [redacted] bob");
}

#[test]
fn l44_no_credential_comes_through_for_being_longer_than_another() {
    assert_eq!(scrub("password, pass", &known(&["pass", "password"])), "[redacted], [redacted]");
}

#[test]
fn l44_addresses_are_shown_without_who_logs_in() {
    for (text, expected) in [
        ("GET https://user:token@host/x failed", "GET https://[redacted]@host/x failed"),
        ("see https://host/a@b and http://t@h", "see https://host/a@b and http://[redacted]@h"),
        ("no address: a@b", "no address: a@b"),
        ("http://u:p/w@host/x", "http://[redacted]@host/x"),
        ("http://u:p?w#@host/x", "http://[redacted]@host/x"),
        ("https://host:5000/a@b", "https://host:5000/a@b"),
        ("https://host?x=a@b", "https://host?x=a@b"),
        ("proxy bob:pw@proxy.test:3128 refused", "proxy [redacted]@proxy.test:3128 refused"),
    ] {
        assert_eq!(scrub(text, &[]), expected);
    }
}

/// Bodies of pull secrets in every shape that is met, each with the password and tokens in it.
fn bodies() -> Vec<(&'static str, String, Vec<&'static str>)> {
    const PASSWORD: &str = "c0rrect-h0rse/b@ttery+st<ple&so_on_until_the_line_is_full_and_wrapped";
    let auth = STANDARD.encode(format!("alice:{PASSWORD}"));
    let padded = STANDARD.encode(format!("alice:{PASSWORD}\0\0\0"));
    let of = |entry: serde_json::Value| json!({"auths": {"r.test": entry}}).to_string();
    vec![
        ("modern", of(json!({"auth": auth})), vec![PASSWORD]),
        ("legacy", json!({"https://r.test/v1/": {"auth": auth, "email": "a@r.test"}}).to_string(), vec![PASSWORD]),
        ("wrapped", of(json!({"auth": format!("{}\n{}\n", &auth[..76], &auth[76..])})), vec![PASSWORD]),
        ("wrapped by Windows", of(json!({"auth": format!("{}\r\n{}", &auth[..64], &auth[64..])})), vec![PASSWORD]),
        ("without padding", of(json!({"auth": auth.trim_end_matches('=')})), vec![PASSWORD]),
        ("filled up with NUL", of(json!({"auth": padded})), vec![PASSWORD]),
        ("in words", of(json!({"username": "alice", "password": PASSWORD})), vec![PASSWORD]),
        ("identity token", of(json!({"auth": "YWxpY2U6", "identitytoken": "1d-t0ken"})), vec!["1d-t0ken"]),
        ("registry token", of(json!({"registrytoken": "r3g-t0ken"})), vec!["r3g-t0ken"]),
        (
            "large letters",
            json!({"Auths": {"r.test": {"Auth": auth, "Password": "0ther"}}}).to_string(),
            vec![PASSWORD, "0ther"],
        ),
        (
            "headers",
            json!({"auths": {}, "HttpHeaders": {"Authorization": format!("Basic {auth}"), "X-Meta": "b3arer-w0rd"}})
                .to_string(),
            vec![PASSWORD, "b3arer-w0rd"],
        ),
        ("misplaced", json!({"r.test": format!("alice:{PASSWORD}"), "x": [auth]}).to_string(), vec![PASSWORD]),
        ("not JSON", format!("{{\"auths\": {{\"r.test\": {{\"auth\": \"{auth}\"}}"), vec![PASSWORD]),
        ("YAML", format!("auths:\n  r.test:\n    password: {PASSWORD}\n"), vec![PASSWORD]),
        ("the password alone", format!("{PASSWORD}\n"), vec![PASSWORD]),
        ("user and password", format!("alice:{PASSWORD}"), vec![PASSWORD]),
        ("encoded twice", STANDARD.encode(of(json!({"auth": auth}))), vec![PASSWORD]),
        ("with a byte order mark", format!("\u{feff}{}", of(json!({"auth": auth}))), vec![PASSWORD]),
    ]
}

/// A credential in every form that programs print it in.
fn forms(word: &str) -> Vec<String> {
    let pair = format!("alice:{word}");
    let percent = utf8_percent_encode(word, NON_ALPHANUMERIC).to_string();
    let quoted = serde_json::to_string(word).unwrap();
    let wrap = |text: &str, column: usize, end: &str| {
        text.as_bytes().chunks(column).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join(end)
    };
    let encoded = STANDARD.encode(&pair);
    let mut all = vec![
        word.to_owned(),
        pair.clone(),
        quoted.clone(),
        serde_json::to_string(&quoted).unwrap(),
        quoted.replace('<', "\\u003c").replace('&', "\\u0026").replace('/', "\\/"),
        word.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        percent.replace("%2D", "-").replace("%5F", "_"),
        utf8_percent_encode(&percent, NON_ALPHANUMERIC).to_string(),
        percent.clone(),
        word.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;"),
        format!("'{}'", word.replace('\'', r"'\''")),
        word.chars().flat_map(|c| if c.is_alphanumeric() { vec![c] } else { vec!['\\', c] }).collect(),
        STANDARD.encode(word),
        encoded.clone(),
        STANDARD_NO_PAD.encode(&pair),
        URL_SAFE.encode(&pair),
        URL_SAFE_NO_PAD.encode(&pair),
        STANDARD.encode(format!("{{\"auths\":{{\"r.test\":{{\"password\":\"{word}\"}}}}}}")),
        serde_json::to_string(&wrap(&encoded, 76, "\n")).unwrap(),
        utf8_percent_encode(&encoded, NON_ALPHANUMERIC).to_string(),
    ];
    for column in [10, 64, 76] {
        for end in ["\n", "\r\n", "\n    ", "\\\n"] {
            all.push(wrap(&encoded, column, end));
        }
    }
    if word.is_ascii() {
        all.extend([wrap(word, 8, "\n"), wrap(word, 8, "\n  ")]);
    }
    all
}

#[test]
fn l44_no_body_gives_its_credentials_away_in_any_form() {
    for (shape, body, words) in bodies() {
        let found = credentials(&secret(&body));
        for word in words {
            for form in forms(word) {
                let shown = scrub(&format!("error: {form} denied"), &found);
                assert!(shown.contains(REDACTED), "{shape}: {form:?} -> {shown:?}");
                assert!(!leaks(&shown, word), "{shape}: {form:?} -> {shown:?}");
                assert!(shown.starts_with("error: ") && shown.ends_with(" denied"), "{shape}: {shown:?}");
            }
        }
    }
}

/// Whether any considerable part of `word` is in `shown`, as it is or in base64.
fn leaks(shown: &str, word: &str) -> bool {
    let joined: String = shown.chars().filter(|c| !c.is_whitespace()).collect();
    let characters: Vec<char> = word.chars().collect();
    let parts = characters.windows(characters.len().min(6)).map(|part| part.iter().collect::<String>());
    parts
        .flat_map(|part| {
            let digits = STANDARD_NO_PAD.encode(&part);
            [digits[..digits.len() - 1].to_owned(), part]
        })
        .any(|part| joined.contains(&part))
}

#[test]
fn l44_a_credential_that_was_cut_is_known_again() {
    let found = known(&["correct-horse-battery"]);
    assert_eq!(scrub("horse-battery denied", &found), "[redacted] denied");
    assert_eq!(scrub("login with correct-ho", &found), "login with [redacted]");
    let encoded = STANDARD.encode("correct-horse-battery");
    assert_eq!(scrub(&format!("{} denied", &encoded[10..]), &found), "[redacted] denied");
}

#[test]
fn l44_a_passphrase_that_is_wrapped_at_its_spaces_is_known_again() {
    let found = known(&["correct horse  battery staple "]);
    for text in
        ["correct horse battery staple", "correct horse\n    battery\n staple", "correct \\\nhorse  battery staple"]
    {
        assert_eq!(scrub(&format!("login as x {text}"), &found), "login as x [redacted]", "{text:?}");
    }
}

#[test]
fn l44_hosts_are_no_credentials_whatever_the_body() {
    for body in ["{\"auths\": {\"r.example.com\": {\"auth\": \"eDp5", "auths:\n  r.example.com:\n    auth: eDp5\n"] {
        let text = "pushing to r.example.com: auth denied";
        assert_eq!(scrub(text, &credentials(&secret(body))), text);
    }
}

#[test]
fn l44_what_looks_like_a_credential_is_not_shown() {
    let mut wrong = Vec::new();
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl-_x";
    for (text, expected) in [
        ("> Authorization: Basic YWxpY2U6cHc=", "> Authorization: [redacted]"),
        ("Proxy-Authorization: Digest username=\"a\", response=\"b\"", "Proxy-Authorization: [redacted]"),
        ("-H 'Authorization: token abc' x", "-H 'Authorization: [redacted]' x"),
        ("map[Authorization:[Bearer abc] Accept:[x]]", "map[Authorization:[[redacted]] Accept:[x]]"),
        (r#"{"Authorization":["Bearer abc"],"Accept":"x"}"#, r#"{"Authorization":["[redacted]"],"Accept":"x"}"#),
        ("X-Auth-Token: abc", "X-Auth-Token: [redacted]"),
        ("PRIVATE-TOKEN: abc", "PRIVATE-TOKEN: [redacted]"),
        ("sent Bearer abc-def.123 twice", "sent Bearer [redacted] twice"),
        ("sent Basic dXNlcjpwYXNz twice", "sent Basic [redacted] twice"),
        (
            "GET https://b.s3.test/x?X-Amz-Credential=AK%2F1&X-Amz-Date=2&X-Amz-Signature=abc: 403",
            "GET https://b.s3.test/x?X-Amz-Credential=[redacted]&X-Amz-Date=2&X-Amz-Signature=[redacted] 403",
        ),
        ("https://g.test/o?X-Goog-Signature=ab&x=1", "https://g.test/o?X-Goog-Signature=[redacted]&x=1"),
        ("https://a.blob.test/c?sv=1&se=2&sig=a%2Bb%3D", "https://a.blob.test/c?sv=1&se=2&sig=[redacted]"),
        ("https://h.test/t?service=r&token=abc", "https://h.test/t?service=r&token=[redacted]"),
        (
            "?access_token=a&client_secret=b&api_key=c&password=d",
            "?access_token=[redacted]&client_secret=[redacted]&api_key=[redacted]&password=[redacted]",
        ),
        ("export DB_PASSWORD=hunter22; run", "export DB_PASSWORD=[redacted] run"),
        ("DB_PASSWD='hunter 22' run", "DB_PASSWD='[redacted]' run"),
        (r#"ENV API_KEY="a b\"c" X=y"#, r#"ENV API_KEY="[redacted]" X=y"#),
        ("npm_config__auth_token=abc", "npm_config__auth_token=[redacted]"),
        ("AWS_SECRET_ACCESS_KEY=ab/cd+ef", "AWS_SECRET_ACCESS_KEY=[redacted]"),
        ("MY_CREDENTIAL=abc GITHUB_TOKEN=def", "MY_CREDENTIAL=[redacted] GITHUB_TOKEN=[redacted]"),
        ("token = \"abc\"", "token = \"[redacted]\""),
        (r#"{"user":"a","password":"b\"c","x":1}"#, r#"{"user":"a","password":"[redacted]","x":1}"#),
        (r#"{\"auth\":\"YTpi\",\"x\":1}"#, r#"{\"auth\":\"[redacted]\",\"x\":1}"#),
        ("{'access_token': 'abc', 'x': 'y'}", "{'access_token': '[redacted]', 'x': 'y'}"),
        ("user: a\npassword: hunter22\n", "user: a\npassword: [redacted]\n"),
        ("{Username:alice Password:hunter22 Email:}", "{Username:alice Password:[redacted] Email:}"),
        ("podman login -u a -p hunter22 r.test", "podman login -u a -p [redacted] r.test"),
        ("docker login --password hunter22 r.test", "docker login --password [redacted] r.test"),
        ("docker login --password=hunter22 r.test", "docker login --password=[redacted] r.test"),
        (r#"["login", "--password", "hunter22", "r"]"#, r#"["login", "--password", "[redacted]", "r"]"#),
        (
            "subscription-manager register --activationkey=abc --org=1",
            "subscription-manager register --activationkey=[redacted] --org=1",
        ),
        ("curl -u alice:hunter22 https://h.test", "curl -u [redacted] https://h.test"),
        ("skopeo copy --dest-creds=alice:hunter22 a b", "skopeo copy --dest-creds=[redacted] a b"),
        ("buildah push --creds alice:hunter22 x", "buildah push --creds [redacted] x"),
        ("echo 'root:hunter22' | chpasswd", "echo [redacted] | chpasswd"),
        (
            "echo hunter22 | podman login -u a --password-stdin r",
            "echo [redacted] | podman login -u a --password-stdin r",
        ),
        ("machine h.test login a password hunter22", "machine h.test login a password [redacted]"),
        (
            "resolving step {Env:[PATH=/bin A=b c KEY=[x]] Command:run Args:[make]}",
            "resolving step {Env:[[redacted]] Command:run Args:[make]}",
        ),
        (r#"Config{Env:[]string{"A=b", "C=d"}, Cmd:x}"#, r#"Config{Env:[]string{[redacted]}, Cmd:x}"#),
        ("a\n-----BEGIN RSA PRIVATE KEY-----\nabc\ndef\n-----END RSA PRIVATE KEY-----\nb", "a\n[redacted]\nb"),
        ("a -----BEGIN PRIVATE KEY-----\nabc", "a [redacted]"),
        ("a\nMIIEpAIBAAKCAQEAx\nMIIEpAIBAAKCAQEAy\nab==\n-----END OPENSSH PRIVATE KEY-----\nb", "a\n[redacted]\nb"),
        (&format!("got {jwt}."), "got [redacted]"),
        ("t ghp_0123456789abcdefghij0123456789abcdef x", "t [redacted] x"),
        ("t github_pat_11ABCDEFG0123456789_abc x", "t [redacted] x"),
        ("t glpat-0123456789abcdefghij x", "t [redacted] x"),
        ("t AKIAIOSFODNN7EXAMPLE x", "t [redacted] x"),
        ("t ya29.a0Af_x-y x", "t [redacted] x"),
        ("t xoxb-123456789012-abc x", "t [redacted] x"),
        ("oc login --token=sha256~0123456789abcdefghij_x", "oc login --token=[redacted]"),
        ("using sha256~0123456789abcdefghij_x", "using [redacted]"),
        ("data eyJhdXRocyI6eyJyIjp7ImF1dGgiOiJhYmNkZWYifX19 x", "data [redacted] x"),
    ] {
        if scrub(text, &[]) != expected {
            wrong.push(format!("{text:?}\n  gives {:?}\n  not   {expected:?}", scrub(text, &[])));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_credential_is_shown() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let mut wrong = Vec::new();
    for text in [
        "unauthorized: authentication required",
        "www-authenticate: Bearer realm=\"https://auth.test/token\",service=\"registry.test\",scope=\"repository:a/b:pull\"",
        "Basic authentication is not supported, Bearer authentication is",
        "invalid token: 'x', unexpected token '}'",
        "Error: error getting credentials - err: exit status 1",
        "denied: requested access to the resource is denied",
        "no such secret: pull, and no password was given",
        "password authentication failed",
        "login as alice failed, password required",
        "RUN --mount=type=secret,id=key cat /run/secrets/key",
        "buildah build --secret id=key,src=/x --tag a .",
        "docker login --username a --password-stdin registry.test",
        "mkdir -p /etc/a && useradd -m bob",
        "docker run -u 1000:1000 --user 0:0 x",
        "baseImagePullSecretName=pull, \"finalImagePushSecretName\": \"push\"",
        "REGISTRY_AUTH_FILE=/run/auth.json TOKEN_FILE=/var/run/token",
        "https://registry.test:5000/v2/org/os/manifests/latest?ns=docker.io&n=5",
        "GET https://auth.test/token?account=a&scope=repository%3Aorg%2Fos%3Apull&service=registry.test",
        "/usr/lib/dracut/modules.d/30ignition/ignition: No such file or directory",
        "if token == expected",
        "Env:[] Command:run",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "git@host.test:org/repo.git, mail to bob@host.test",
    ] {
        if scrub(text, &[]) != text {
            wrong.push(scrub(text, &[]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for text in [
        format!("pushed registry.test/org/os:v1@{digest}"),
        format!("registry.test/org/os@{digest} ({digest})"),
        format!("FROM registry.test:5000/org/os:rendered-worker-{} AS configs", "0a".repeat(16)),
    ] {
        assert_eq!(scrub(&text, &[]), text);
    }
}

#[test]
fn what_is_scrubbed_stays_as_it_is() {
    for text in [
        "Authorization: Basic YTpi",
        "https://a:b@h/x?token=c",
        "PASSWORD=x podman login -p y",
        "a -----BEGIN PRIVATE KEY-----",
    ] {
        let once = scrub(text, &[]);
        assert_eq!(scrub(&once, &[]), once);
    }
}

#[test]
fn a_long_text_of_beginnings_of_credentials_is_scrubbed_as_fast_as_any() {
    let words: Vec<String> = (0..50).map(|n| format!("passw0rd-of-registry-{n}-{}", "x".repeat(n))).collect();
    let found = known(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let pieces =
        ["://", "Env:[", "token=", "a:b@", "\\\\\"", "%25", "login -p ", "-----BEGIN PRIVATE KEY", "A", "echo x"];
    for piece in pieces {
        let text = piece.repeat((4 << 10) / piece.len());
        assert!(scrub(&text, &found).len() <= text.len() * 3);
    }
}

proptest! {
    #[test]
    fn l44_no_credential_comes_through_whatever_surrounds_it(
        word in "[ -~]{8,40}|[a-zäöü😀\"\\\\<&%+/']{8,20}",
        before in "[ -~\n]{0,40}",
        after in "[ -~\n]{0,40}",
        form in any::<prop::sample::Index>(),
    ) {
        prop_assume!(word.split_whitespace().map(str::len).sum::<usize>() >= 8 && !"[redacted]".contains(word.trim()));
        let forms = forms(&word);
        let form = form.get(&forms);
        let body = json!({"auths": {"r.test": {"username": "alice", "password": word}}}).to_string();
        let found = credentials(&secret(&body));
        let shown = scrub(&format!("{before} {form} {after}"), &found);
        prop_assert!(!shown.contains(form.as_str()), "{form:?} -> {shown:?}");
    }
}
