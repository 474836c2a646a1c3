use serde_json::json;

use super::*;

const NOBODY: [Owner; 2] = [Owner::Any, Owner::Any];
const ROOT: [Owner; 2] = [Owner::Id(0), Owner::Id(0)];

fn found(mut config: Value) -> Found {
    config["ignition"] = json!({"version": "3.4.0"});
    let config = Config::parse(&config).unwrap();
    let mut found = Found::default();
    found.storage(&config).unwrap();
    found.units(&config.systemd.units);
    found.not_applied(&config, &Value::Null);
    found
}

fn asked(config: Value) -> Vec<(String, Asked)> {
    found(config).expectations.into_iter().map(|expectation| (expectation.path, expectation.asked)).collect()
}

fn of_file(mut file: Value) -> Asked {
    file["path"] = json!("/f");
    asked(json!({"storage": {"files": [file]}})).remove(0).1
}

#[test]
fn a_file_with_contents_is_a_new_one() {
    let expected = |contents, mode, owners| Asked::File { contents, mode: Some(mode), owners };
    assert_eq!(of_file(json!({"contents": {"source": "data:,x"}})), expected(exactly(b"x"), 0o644, ROOT));
    assert_eq!(of_file(json!({"overwrite": true})), expected(exactly(b""), 0o644, ROOT));
    let both = json!({"mode": 384, "contents": {"source": "data:,x"}, "append": [{"source": "data:,y"}]});
    assert_eq!(of_file(both), expected(exactly(b"xy"), 0o600, ROOT));
    let owned = json!({
        "mode": 2541, "contents": {"source": "data:,"}, "user": {"id": 7, "name": "other"}, "group": {"name": "wheel"},
    });
    let owners = [Owner::Id(7), Owner::Name("wheel".into())];
    assert_eq!(of_file(owned), expected(exactly(b""), 0o4755, owners));
}

#[test]
fn of_what_may_have_been_there_only_what_is_asked_is_expected() {
    let nothing = Asked::File { contents: Contents::Any, mode: None, owners: NOBODY };
    assert_eq!(of_file(json!({})), nothing);
    let end = Contents::EndsWith(b"xy".to_vec());
    let append = json!({"append": [{"source": "data:,x"}, {"source": "data:,y"}]});
    assert_eq!(of_file(append), Asked::File { contents: end, mode: None, owners: NOBODY });
    assert_eq!(
        asked(json!({"storage": {
            "directories": [{"path": "/a"}, {"path": "/b", "mode": 448}, {"path": "/c", "overwrite": true}],
            "links": [{"path": "/l", "target": "../x"}, {"path": "/h", "target": "/x", "hard": true}],
        }})),
        [
            ("/a".to_owned(), Asked::Directory { mode: None, owners: NOBODY }),
            ("/b".to_owned(), Asked::Directory { mode: Some(0o700), owners: NOBODY }),
            ("/c".to_owned(), Asked::Directory { mode: Some(0o755), owners: ROOT }),
            ("/l".to_owned(), Asked::Symlink { target: "../x".into(), owners: NOBODY }),
            ("/h".to_owned(), Asked::HardLink("/x".into())),
        ]
    );
}

#[test]
fn remote_contents_are_known_by_their_hash_or_not_at_all() {
    let file = |verification: Value| {
        let contents = json!({"source": "https://host.test/x", "verification": verification});
        found(json!({"storage": {"files": [{"path": "/f", "contents": contents}]}}))
    };
    let hashed = file(json!({"hash": "sha256-AB"}));
    let contents = Contents::Exactly(None, "ab".into());
    assert_eq!(hashed.expectations[0].asked, Asked::File { contents, mode: Some(0o644), owners: ROOT });
    assert!(hashed.unchecked.is_empty());
    let unknown = file(json!({"hash": "sha512-AB"}));
    assert!(matches!(unknown.expectations[0].asked, Asked::File { contents: Contents::Any, .. }));
    assert_eq!(unknown.unchecked[0].why, "its contents come from https://host.test");
}

#[test]
fn units_become_files_links_and_presets() {
    let root_file = |text: &str| Asked::File { contents: exactly(text.as_bytes()), mode: Some(0o644), owners: ROOT };
    let preset = |unit: &str, enabled| (presets_path(), Asked::Preset { unit: unit.into(), enabled });
    let path = |name: &str| format!("/etc/systemd/system/{name}");
    assert_eq!(
        asked(json!({"systemd": {"units": [
            {"name": "a.service", "contents": "A", "enabled": true, "dropins": [
                {"name": "1.conf", "contents": "1"}, {"name": "empty.conf", "contents": ""}, {"name": "none.conf"},
            ]},
            {"name": "b.service", "contents": "", "enabled": false},
            {"name": "c.service", "contents": "C", "mask": true},
            {"name": "d.service", "mask": false},
        ]}})),
        [
            (path("a.service.d/1.conf"), root_file("1")),
            (path("a.service.d/empty.conf"), root_file("")),
            (path("a.service"), root_file("A")),
            preset("a.service", true),
            preset("b.service", false),
            (path("c.service"), Asked::Symlink { target: "/dev/null".into(), owners: ROOT }),
            (path("d.service"), Asked::NotMasked),
        ]
    );
}

fn presets_path() -> String {
    crate::images::inspect::presets::PATH.to_owned()
}

#[test]
fn what_a_build_does_not_apply_is_told() {
    let found = found(json!({
        "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["k"]}]},
        "storage": {"disks": [{"device": "/dev/sda"}], "luks": []},
    }));
    let told: Vec<&str> = found.unchecked.iter().map(|unchecked| unchecked.path.as_str()).collect();
    assert_eq!(told, ["spec.config.passwd", "spec.config.storage.disks"]);
}

#[test]
fn contents_that_cannot_be_decoded_are_an_error() {
    let config = json!({
        "ignition": {"version": "3.4.0"},
        "storage": {"files": [{"path": "/f", "contents": {"source": "data:;base64,%"}}]},
    });
    let error = Found::default().storage(&Config::parse(&config).unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("failed to decode the contents of /f"), "{error}");
}
