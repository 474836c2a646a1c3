//! Credentials that Secrets tell of, in the forms in which they have been seen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::*;
use crate::api::{Key, Kind};
use crate::reconcile::decide::DecideSettings;
use crate::reconcile::observed::cache::Cache;
use crate::reconcile::observed::cache::Change;

const KEY_FILE: &str = "{\n  \"type\": \"service_account\",\n  \"project_id\": \"fleet-images\",\n  \
    \"private_key_id\": \"0123abcd4567ef\",\n  \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkq\\n\
    -----END PRIVATE KEY-----\\n\",\n  \"universe_domain\": \"googleapis.com\"\n}\n";

fn of_pair(pair: &[u8]) -> Vec<Credential> {
    credentials(&secret(&json!({"auths": {"r.test": {"auth": STANDARD.encode(pair)}}}).to_string()))
}

#[test]
fn a_password_of_several_lines_is_hidden_in_base64_whatever_stands_before_it() {
    let found = of_pair(format!("_json_key:{KEY_FILE}").as_bytes());
    for user in ["", "a:", "al:", "ali:", "_json_key:"] {
        let pair = format!("{user}{KEY_FILE}");
        for encoded in [STANDARD.encode(&pair), STANDARD_NO_PAD.encode(&pair), URL_SAFE_NO_PAD.encode(&pair)] {
            let shown = scrub(&format!("error: {encoded} denied"), &found);
            assert!(shown.len() < 60, "{user}: {shown}");
        }
    }
}

#[test]
fn a_password_of_several_lines_is_hidden_line_by_line() {
    for password in [KEY_FILE, "first-line-of-it\nsecond-line-of-it"] {
        let found = of_pair(format!("_json_key:{password}").as_bytes());
        for (number, line) in password.lines().enumerate() {
            let shown = scrub(&format!("     {number}\t{line}"), &found);
            assert!(line.trim().len() < 12 || !shown.contains(line.trim()), "{shown}");
        }
    }
    let found = of_pair(format!("_json_key:{KEY_FILE}").as_bytes());
    assert_eq!(scrub("key 0123abcd4567ef was revoked", &found), "key [redacted] was revoked");
    let image = "gcr.io/fleet-images/os: https://oauth2.googleapis.com/token";
    assert_eq!(scrub(image, &found), image);
}

#[test]
fn a_password_that_is_no_utf8_is_hidden_in_every_form() {
    let password = b"p\xe4ssw\xf6rd-l0ng";
    let found = of_pair(&[b"bob:".as_slice(), password].concat());
    for form in [
        "p%E4ssw%F6rd-l0ng".to_owned(),
        STANDARD.encode([b"bob:".as_slice(), password].concat()),
        STANDARD_NO_PAD.encode([b"bob:".as_slice(), password].concat()),
        STANDARD.encode(password),
        r"p\xe4ssw\xf6rd-l0ng".to_owned(),
        r"p\344ssw\366rd-l0ng".to_owned(),
        String::from_utf8_lossy(password).into_owned(),
        "pässwörd-l0ng".to_owned(),
    ] {
        assert_eq!(scrub(&format!("error: {form} denied"), &found), "error: [redacted] denied", "{form}");
    }
    let mut plain = secret("");
    plain.data["data"]["x"] = STANDARD.encode(password).into();
    assert_eq!(scrub("p%E4ssw%F6rd-l0ng", &credentials(&plain)), "[redacted]");
}

#[test]
fn a_registry_may_have_the_name_of_a_harmless_field() {
    let auth = STANDARD.encode("alice:hunter22");
    for body in [
        json!({"auths": {"provider": {"auth": auth}}}),
        json!({"auths": {"email": {"auth": auth}}}),
        json!({"user": {"password": "hunter22"}}),
        json!({"credHelpers": {"r.test": {"auth": auth}}}),
        json!({"auths": {"provider": auth}}),
        json!({"auths": {"https://alice:hunter22@r.test": {}}}),
    ] {
        let found = credentials(&secret(&body.to_string()));
        assert_eq!(scrub("login hunter22", &found), "login [redacted]", "{body}");
    }
    let harmless = json!({"credHelpers": {"r.test": "ecr-login"}, "email": "a@r.test", "auths": {"r.test@sha256": {}}});
    assert_eq!(credentials(&secret(&harmless.to_string())), []);
}

#[test]
fn a_quote_that_is_doubled_is_read_as_one() {
    for (password, form) in [
        ("it's-a-l0ng'pw", "'it''s-a-l0ng''pw'"),
        ("a\"b-l0ng\"pw99", "\"a\"\"b-l0ng\"\"pw99\""),
        ("a\"b-l0ng\"pw99", r#"{"cell":"\"a\"\"b-l0ng\"\"pw99\""}"#),
    ] {
        let shown = scrub(form, &known(&[password]));
        assert!(shown.contains(REDACTED) && !shown.contains("l0ng"), "{shown}");
    }
}

#[test]
fn a_credential_that_was_cut_within_a_text_is_known_again() {
    let found = known(&["correct-horse-battery", "two words and more of them"]);
    for (text, expected) in [
        ("login with correct-ho … tail", "login with [redacted] … tail"),
        ("head … horse-battery tail", "head … [redacted] tail"),
        ("head …horse-battery", "head …[redacted]"),
        ("one\nlogin with correct-ho\ntwo", "one\nlogin with [redacted]\ntwo"),
        ("one\r\nhorse-battery two\r\n", "one\r\n[redacted] two\r\n"),
        ("login correct-ho... and", "login [redacted]... and"),
        ("login two words and … tail", "login [redacted] … tail"),
        ("… … correct-ho", "… … [redacted]"),
    ] {
        assert_eq!(scrub(text, &found), expected);
    }
    let encoded = STANDARD.encode("correct-horse-battery");
    assert_eq!(scrub(&format!("a\nx {}\nb", &encoded[..18]), &found), "a\nx [redacted]\nb");
}

#[test]
fn a_password_with_a_blank_is_no_header() {
    let of = |text: &str| credentials(&secret(&json!({"HttpHeaders": {"X": text}}).to_string()));
    assert_eq!(scrub("you build it", &of("let me build")), "you build it");
    assert_eq!(scrub("x let me build it", &of("let me build")), "x [redacted] it");
    for header in ["Bearer hunter22", "basic hunter22", "Token hunter22"] {
        assert_eq!(scrub("x hunter22", &of(header)), "x [redacted]");
    }
}

#[test]
fn a_credential_of_a_hundred_kilobytes_stalls_nobody() {
    let password: String = (0..120_000u32).map(|at| char::from(b'a' + (at.wrapping_mul(at) / 7 % 25) as u8)).collect();
    let found = of_pair(format!("alice:{password}").as_bytes());
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(scrub(&format!("login {}", &password[..100]), &found), "login [redacted]");
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

fn version(number: u32, password: &str) -> Arc<Object> {
    let mut object = secret(&json!({"auths": {"r.test": {"username": "a", "password": password}}}).to_string());
    object.metadata.resource_version = Some(number.to_string());
    object.metadata.uid = Some("u".into());
    Arc::new(object)
}

#[test]
fn credentials_of_secrets_that_are_not_what_they_were_are_still_hidden() {
    let key = Key::new(Kind::Secret, "pull");
    let mut applied = Cache::default();
    applied.apply(&Change::Applied(key.clone(), version(1, "first-password")));
    let changed = |change: Change| {
        let mut cache = applied.clone();
        assert!(cache.apply(&change));
        cache
    };
    let confined = {
        let mut cache = applied.clone();
        cache.confine(|_, _| false, |_| false);
        cache
    };
    let replaced = changed(Change::Applied(key.clone(), version(2, "second-password")));
    for (what, cache) in [
        ("replaced", replaced.clone()),
        ("deleted", changed(Change::Gone(key.clone(), Some("u".into())))),
        ("followed no more", changed(Change::Unknown(key))),
        ("confined", confined),
        ("left out", applied.subset(|_, _| false)),
        ("shared", replaced.share(|_, _| true, |_| true)),
        ("left out of what was replaced", replaced.subset(|_, _| false)),
    ] {
        let shown = DecideSettings::default().scrubbed("login first-password", &cache);
        assert_eq!(shown, "login [redacted]", "{what}");
    }
    assert_eq!(DecideSettings::default().scrubbed("x second-password", &replaced), "x [redacted]");
}

#[test]
fn what_is_kept_of_secrets_that_were_replaced_is_bounded() {
    let mut cache = Cache::default();
    for number in 1..200 {
        let secret = version(number, &format!("password-number-{number}"));
        cache.apply(&Change::Applied(Key::new(Kind::Secret, "pull"), secret));
    }
    let shown = |number: u32| DecideSettings::default().scrubbed(&format!("x password-number-{number}."), &cache);
    assert_eq!(shown(198), "x [redacted].");
    assert_eq!(shown(100), "x password-number-100.");
}
