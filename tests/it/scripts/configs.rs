//! The step that applies a config, with stand-ins for Ignition and ostree, and the real jq.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

const APPLY: &str = include_str!("../../../templates/apply-config.sh");

/// Applies a config, and gives what Ignition was given, the presets, and what was said if it failed. The stand-in
/// writes the presets of plain units, as Ignition does.
fn apply(config: &Value) -> Result<(Value, String), String> {
    let root = TempDir::new().unwrap();
    let path = |name: &str| root.path().join(name);
    for directory in ["etc/machine-config-daemon", "bin"] {
        fs::create_dir_all(path(directory)).unwrap();
    }
    let text = json!({"spec": {"config": config}}).to_string();
    fs::write(path("etc/machine-config-daemon/currentconfig"), text).unwrap();
    let preset = path("etc/systemd/system-preset/20-ignition.preset");
    let ignition = format!(
        "#!/bin/bash\n[[ $1 == --ignore-unsupported && $container == oci ]] || exit 1\ncp \"$2\" '{}'\nmkdir -p '{}'\n\
         jq -r '.systemd.units[]? | select(.enabled != null) | (if .enabled then \"enable \" else \"disable \" end) + .name' \"$2\" >> '{}'\n",
        path("given").display(),
        preset.parent().unwrap().display(),
        preset.display(),
    );
    for (name, program) in
        [("ignition", ignition.as_str()), ("ostree", "#!/bin/bash\n[[ $* == 'container commit' ]]\n")]
    {
        let program_path = path(&format!("bin/{name}"));
        fs::write(&program_path, program).unwrap();
        fs::set_permissions(program_path, Permissions::from_mode(0o755)).unwrap();
    }
    let etc = format!("={}/etc/", root.path().display());
    let script = APPLY
        .replace("=/etc/", &etc)
        .replace("/usr/lib/dracut/modules.d/30ignition/ignition", &path("bin/ignition").display().to_string());
    let mut command = Command::new("/bin/bash");
    command.args(["-euo", "pipefail", "-c", &script]).env("TMPDIR", root.path());
    command.env("PATH", format!("{}:{}", path("bin").display(), std::env::var("PATH").unwrap()));
    let output = command.output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let given = serde_json::from_slice(&fs::read(path("given")).unwrap()).unwrap();
    Ok((given, fs::read_to_string(preset).unwrap_or_default()))
}

fn units(units: Value) -> Value {
    json!({"ignition": {"version": "3.4.0"}, "systemd": {"units": units}})
}

#[test]
fn units_of_templates_are_enabled_in_the_words_of_ignition() {
    for (config, expected) in [
        (json!([{"name": "wg-quick@wg0.service", "enabled": true}]), "enable wg-quick@.service wg0\n"),
        (json!([{"name": "getty@tty7.service", "enabled": false}]), "disable getty@.service tty7\n"),
        (
            json!([
                {"name": "a@x.socket", "enabled": true},
                {"name": "b@1.2.service", "enabled": true},
                {"name": "a@y.socket", "enabled": true},
                {"name": "a@z.socket", "enabled": false},
            ]),
            "enable a@.socket x y\nenable b@.service 1.2\ndisable a@.socket z\n",
        ),
        (
            json!([{"name": "crond.service", "enabled": true}, {"name": "a@x.service", "enabled": true}]),
            "enable crond.service\nenable a@.service x\n",
        ),
        (json!([{"name": "dev-disk@by\\x2dlabel.device", "enabled": true}]), "enable dev-disk@.device by\\x2dlabel\n"),
        (json!([{"name": "a@b@c.service", "enabled": true}]), "enable a@.service b@c\n"),
        // Two spaces where the template itself comes first, as Ignition joins an empty instance too.
        (
            json!([{"name": "a@.service", "enabled": true}, {"name": "a@x.service", "enabled": true}]),
            "enable a@.service  x\n",
        ),
        (json!([{"name": "a@x.service", "mask": true}, {"name": "b@x.service", "enabled": null}]), ""),
    ] {
        let (given, presets) = apply(&units(config.clone())).unwrap();
        assert_eq!(presets, expected, "{config}");
        let is_left = |unit: &Value| unit["name"].as_str().unwrap().contains('@') && unit["enabled"].is_boolean();
        assert!(!given["systemd"]["units"].as_array().unwrap().iter().any(is_left), "{given}");
    }
}

#[test]
fn all_else_of_a_config_reaches_ignition_as_it_is() {
    for config in [
        json!({"ignition": {"version": "3.2.0"}}),
        json!({"ignition": {"version": "3.2.0"}, "systemd": {}}),
        json!({"ignition": {"version": "3.2.0"}, "systemd": null, "storage": {"files": [{"path": "/etc/a", "mode": 420}]}}),
        units(json!([])),
        units(
            json!([{"name": "a.service", "enabled": true}, {"name": "b@x.service", "contents": "[Unit]\n", "dropins": []}]),
        ),
        // Ignition must get the invalid config in order to refuse it.
        units(
            json!([{"name": "no-suffix@x", "enabled": true}, {"name": "a@b.service", "enabled": "yes"}, {"enabled": true}]),
        ),
    ] {
        let (given, _) = apply(&config).unwrap();
        assert_eq!(given, config);
    }
    let unit = json!({"name": "a@x.service", "enabled": true, "contents": "[Unit]\n", "dropins": [{"name": "d.conf"}]});
    let (given, _) = apply(&units(json!([unit]))).unwrap();
    let expected = json!({"name": "a@x.service", "contents": "[Unit]\n", "dropins": [{"name": "d.conf"}]});
    assert_eq!(given["systemd"]["units"][0], expected);
}

#[test]
fn a_machine_config_with_nothing_to_apply_is_named_as_such() {
    let said = apply(&Value::Null).unwrap_err();
    assert_eq!(said, "the MachineConfig has no spec.config, which is what is applied\n");
}
