//! The objects and fields that `render` leaves out, and its notes on them.

use std::fs;
use std::path::Path;

use super::{GOOD, edit, render};

#[test]
fn keys_that_no_build_has_a_use_for_are_named() {
    let custom = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: on-cluster-build-custom-dockerfile}\ndata:\n  \
                  worker: RUN true\n  wroker: RUN false\nbinaryData: {Worker: eA==}\n";
    let change = |directory: &Path| {
        fs::write(directory.join("custom.yaml"), custom).unwrap();
        edit("build-config.yaml", "data:\n", "data:\n  finalImagePullSpec: x\n")(directory);
    };
    let files = [GOOD.as_slice(), &["custom.yaml"]].concat();
    let (ok, stdout, stderr, _directory) = render(change, &files);
    assert!(ok && stdout.contains("RUN true") && !stdout.contains("RUN false"), "{stderr}");
    for said in [
        "warning: ConfigMap on-cluster-build-custom-dockerfile: key \"wroker\": no MachineConfigPool in the files",
        "warning: ConfigMap on-cluster-build-custom-dockerfile: key \"Worker\": no MachineConfigPool in the files",
        "warning: ConfigMap on-cluster-build-config: key \"finalImagePullSpec\": no build has a use for it",
    ] {
        assert!(stderr.contains(said), "{said}: {stderr}");
    }
    assert_eq!(stderr.lines().count(), 3, "{stderr}");
}

#[test]
fn a_file_that_is_no_yaml_is_named_and_not_quoted() {
    let text = "kind: Secret\nstringData:\n  password: hunter22\n  other: [x\n";
    let change = |directory: &Path| fs::write(directory.join("secret.yaml"), text).unwrap();
    let (ok, _, stderr, _directory) = render(change, &["pool.yaml", "secret.yaml"]);
    assert!(!ok && stderr.contains("secret.yaml") && stderr.contains("line"), "{stderr}");
    assert!(!stderr.contains("hunter22"), "{stderr}");
}
