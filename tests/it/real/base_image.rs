//! A base OS image: Debian's packages, Ignition among them where the base OS has it, as an OCI layout.
//!
//! It is made once, and kept in the target directory.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{directory, output_of};

/// The name of the image in its layout.
pub(super) const TAG: &str = "base";

/// Its packages: the programs that the Containerfile of a build calls, and those that a node starts with.
const PACKAGES: &str =
    "bash,coreutils,dash,findutils,grep,gzip,ignition,jq,libc-bin,ostree,passwd,sed,systemd,util-linux";

/// Paths to remove again: the packages contain them, and nothing here uses them.
const UNNEEDED: &str = "usr/share/doc usr/share/man usr/share/locale usr/share/i18n usr/share/zoneinfo usr/share/perl \
    usr/share/perl5 usr/lib/x86_64-linux-gnu/perl usr/lib/x86_64-linux-gnu/perl-base usr/lib/x86_64-linux-gnu/gconv \
    usr/lib/udev/hwdb.d usr/bin/ignition-validate var/lib/apt var/cache";

/// Accounts, which packages that are only unpacked do not make.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\ncore:x:1000:1000:core:/home/core:/bin/bash\n";
const GROUP: &str = "root:x:0:\nadm:x:4:\nsudo:x:27:\nwheel:x:90:\nsystemd-journal:x:190:\ncore:x:1000:\n";
const SHADOW: &str = "root:*:19000:0:99999:7:::\ncore:*:19000:0:99999:7:::\n";

/// Stands in for `ostree container commit`, which Debian's ostree lacks. The real one checks the image's file system,
/// and empties directories that must not be in it; this one does the latter. All else goes to the real ostree.
const OSTREE: &str = r#"#!/bin/bash
set -euo pipefail
if [[ "${1-} ${2-}" != "container commit" ]]; then
  exec /usr/bin/ostree "$@"
fi
# What is mounted there during a build cannot be deleted.
find /run /tmp /var/tmp /var/cache -mindepth 1 -xdev -delete 2> /dev/null || true
"#;

/// The image's Containerfile. The packages are only unpacked, and their scripts do not run, so it makes the link of
/// /bin/sh.
fn containerfile() -> String {
    let finish = format!("rm -rf {UNNEEDED} && ln -sf dash /bin/sh && mkdir -p /home/core && chmod 0640 /etc/shadow");
    format!(
        "FROM scratch\nADD base.tar /\nCOPY ostree /usr/local/bin/ostree\nCOPY passwd group shadow /etc/\n\
        ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
        RUN [\"/bin/bash\", \"-euc\", \"{finish}\"]\n"
    )
}

/// The layout's directory.
pub(super) fn layout() -> PathBuf {
    let layout = directory().join("base-image");
    // Other tests, in other processes, may want it at the same time.
    let lock = fs::File::create(directory().join("base-image.lock")).unwrap();
    lock.lock().unwrap();
    let recipe = [PACKAGES, PASSWD, GROUP, SHADOW, OSTREE, &containerfile()].concat();
    let recipe_file = layout.join("recipe");
    if fs::read_to_string(&recipe_file).ok().as_ref() != Some(&recipe) {
        let _ = fs::remove_dir_all(&layout);
        make(&layout);
        fs::write(recipe_file, recipe).unwrap();
    }
    layout
}

fn make(layout: &Path) {
    let context = super::temporary_directory();
    let path = |name: &str| context.path().join(name);
    unpack_packages(&path("base.tar"));
    for (name, text) in [("ostree", OSTREE), ("passwd", PASSWD), ("group", GROUP), ("shadow", SHADOW)] {
        fs::write(path(name), text).unwrap();
    }
    fs::set_permissions(path("ostree"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(path("Containerfile"), containerfile()).unwrap();
    let buildah = || {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(path("storage")).arg("--runroot").arg(path("run"));
        command.env("STORAGE_DRIVER", "vfs").env("BUILDAH_ISOLATION", "chroot");
        command
    };
    output_of(
        buildah().args(["build", "--quiet", "--tag", TAG, "--file"]).arg(path("Containerfile")).arg(context.path()),
    );
    output_of(buildah().args(["push", "--quiet", TAG]).arg(format!("oci:{}:{TAG}", layout.display())));
}

fn unpack_packages(tar: &Path) {
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=extract", "--include", PACKAGES]);
    output_of(command.arg("bookworm").arg(tar));
}
