//! A MachineConfig with one entry of each kind, and its image.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::layout::{self, Compression, Entry, directory, file, hard_link, link};

pub(super) const NAME: &str = "rendered-worker-0123456789abcdef0123456789abcdef";
pub(super) const CURRENT_CONFIG: &str = "/etc/machine-config-daemon/currentconfig";
pub(super) const PRESETS: &str = "/etc/systemd/system-preset/20-ignition.preset";
pub(super) const UNITS: &str = "/etc/systemd/system";

pub(super) fn machine_config() -> Value {
    json!({
        "apiVersion": "machineconfiguration.openshift.io/v1",
        "kind": "MachineConfig",
        "metadata": {"name": NAME},
        "spec": {
            "kernelArguments": ["quiet"],
            "config": {
                "ignition": {"version": "3.4.0"},
                "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["ssh-rsa key"]}]},
                "storage": {
                    "files": [
                        {"path": "/etc/motd", "overwrite": true, "contents": {"source": "data:,built%20here%0A"}},
                        {"path": "/usr/local/bin/tool", "mode": 493, "contents": {"source": "data:;base64,IyEvYmluL3NoCg=="}},
                        {"path": "/etc/issue", "append": [{"source": "data:,appended"}]},
                        {"path": "/etc/owned", "mode": 384, "contents": {"source": "data:,secret"},
                         "user": {"name": "core"}, "group": {"id": 10}},
                        {"path": "/etc/remote", "contents": {"source": "https://user:key@host.test/x"}},
                    ],
                    "directories": [{"path": "/etc/dir", "mode": 448}],
                    "links": [
                        {"path": "/etc/link", "target": "../usr/share/x"},
                        {"path": "/etc/same", "target": "/etc/motd", "hard": true},
                    ],
                },
                "systemd": {"units": [
                    {"name": "a.service", "contents": "[Service]\n", "enabled": true,
                     "dropins": [{"name": "10.conf", "contents": "[Unit]\n"}]},
                    {"name": "b.service", "mask": true},
                    {"name": "c@x.service", "enabled": false},
                ]},
            },
        },
    })
}

/// The image that the build of `machine_config` leaves, in two layers.
pub(super) struct Image {
    pub base: Vec<Entry>,
    pub top: Vec<Entry>,
    pub labels: Value,
    pub compression: Compression,
}

impl Image {
    pub(super) fn good() -> Self {
        Self {
            base: vec![
                file("/etc/passwd", "root:x:0:0::/root:/bin/sh\ncore:x:1000:1000::/:/bin/sh\n"),
                file("/etc/group", "root:x:0:\n"),
                file("/etc/issue", "welcome\n"),
                file("/etc/motd", "of the base\n").mode(0o600),
                directory("/var/usrlocal", 0o755),
                link("/usr/local", "../var/usrlocal"),
            ],
            top: vec![
                file(CURRENT_CONFIG, &machine_config().to_string()),
                file("/etc/motd", "built here\n"),
                hard_link("/etc/same", "etc/motd"),
                file("/var/usrlocal/bin/tool", "#!/bin/sh\n").mode(0o755),
                file("/etc/issue", "welcome\nappended"),
                file("/etc/owned", "secret").mode(0o600).owner(1000, 10),
                file("/etc/remote", "anything"),
                directory("/etc/dir", 0o700),
                link("/etc/link", "../usr/share/x"),
                file(&format!("{UNITS}/a.service"), "[Service]\n"),
                file(&format!("{UNITS}/a.service.d/10.conf"), "[Unit]\n"),
                link(&format!("{UNITS}/b.service"), "/dev/null"),
                file(PRESETS, "disable c@.service x\nenable a.service\n"),
            ],
            labels: json!({
                "machineconfig": NAME, "machineconfigpool": "worker", "releaseversion": "4.16.0",
                "baseOSContainerImage": "registry.test/os:9",
            }),
            compression: Compression::Gzip,
        }
    }

    pub(super) fn change(&mut self, path: &str, change: impl FnOnce(&mut Entry)) {
        change(self.top.iter_mut().find(|entry| entry.path == path).unwrap());
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.top.retain(|entry| entry.path != path);
    }

    pub(super) fn write(&self, directory: &Path) {
        let layers = [(self.compression, self.base.clone()), (self.compression, self.top.clone())];
        layout::write(&directory.join("image"), &layers, &self.labels);
        fs::write(directory.join("mc.yaml"), machine_config().to_string()).unwrap();
    }
}
