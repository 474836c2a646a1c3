//! The container that pushes, and the helper that hands the digest over.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::pod::{BUILD, DIGEST, PUSH, Pod, WAIT, kill};

#[test]
fn an_image_is_pushed_and_its_digest_left() {
    let pod = Pod::built();
    assert_eq!(pod.run(PUSH), (Some(0), String::new()));
    let calls = pod.text("calls").unwrap();
    let push = calls.lines().find(|call| call.starts_with("buildah push")).unwrap();
    assert!(push.ends_with(" docker://registry.test/fleet/os:r"), "{calls}");
    assert!(push.contains("/final-image-push-creds/config.json"), "{calls}");
    assert!(!calls.contains("base-image-pull-creds") && !calls.contains("buildah build"), "{calls}");
    assert_eq!(pod.message().trim(), DIGEST);
    assert_eq!(pod.text("tmp/done/digest").unwrap().trim(), DIGEST);
    assert!(pod.text("tmp/done/failed").is_none());
}

#[test]
fn without_a_helper_the_termination_message_is_all_that_is_left() {
    let pod = Pod::built();
    fs::remove_dir_all(pod.path("tmp/done")).unwrap();
    assert_eq!(pod.run(PUSH), (Some(0), String::new()));
    assert_eq!(pod.message().trim(), DIGEST);
    pod.buildah("[[ $1 != push ]] || exit 1");
    assert_eq!(pod.run(PUSH).0, Some(40));
}

#[test]
fn all_containers_run_at_once() {
    let pod = Pod::new();
    let (helper, push) = (pod.start(WAIT), pod.start(PUSH));
    assert_eq!(pod.run(BUILD).0, Some(0));
    assert!(push.wait_with_output().unwrap().status.success());
    assert!(helper.wait_with_output().unwrap().status.success());
    assert!(pod.text("calls").unwrap().contains(&format!("oc create -f -: {{\"digest\": \"{DIGEST}\"}}\n")));
}

#[test]
fn l42_a_push_that_fails_is_tried_again() {
    let pod = Pod::built();
    pod.buildah(
        "if [[ $1 == push ]] && (($(grep -c 'buildah push' \"$CALLS\") < 4)); then echo timeout >&2; exit 125; fi",
    );
    assert_eq!(pod.run(PUSH).0, Some(0));
    assert_eq!(pod.count("push"), 4);
    let calls = pod.calls();
    let waits: Vec<&String> = calls.iter().filter(|call| call.starts_with("sleep")).collect();
    assert_eq!(waits, ["sleep 1", "sleep 2", "sleep 4"]);
}

#[test]
fn l41_exit_codes_say_what_failed() {
    for (said, code, tries) in [
        ("dial tcp 192.0.2.1:443: i/o timeout", 40, 5),
        ("unauthorized: authentication required", 41, 1),
        ("Error: pushing: name unknown: no such repository", 42, 1),
    ] {
        let pod = Pod::built();
        pod.buildah(&format!("if [[ $1 == push ]]; then echo '{said}' >&2; exit 125; fi"));
        let (found, output) = pod.run(PUSH);
        assert_eq!(found, Some(code), "{output}");
        assert_eq!(pod.count("push"), tries);
        assert!(pod.text("tmp/done/digest").is_none() && pod.text("tmp/done/failed").is_some());
        let cause = said.trim_start_matches("Error: ");
        assert!(pod.message().starts_with("failed to push registry.test/fleet/os:r: "), "{}", pod.message());
        assert!(pod.message().contains(cause) && output.lines().last().unwrap().contains(cause), "{output}");
    }
}

#[test]
fn l13_nothing_is_pushed_when_the_build_fails() {
    let pod = Pod::new();
    pod.buildah("[[ $1 != build ]] || exit 1");
    let (helper, push) = (pod.start(WAIT), pod.start(PUSH));
    assert_eq!(pod.run(BUILD).0, Some(20));
    for (container, word) in [(push, "the image was not built"), (helper, "the image was not pushed")] {
        let output = container.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(word) && said.lines().count() == 1, "{said}");
    }
    assert_eq!(pod.count("push"), 0);
}

#[test]
fn l13_nothing_is_pushed_when_the_build_is_killed_without_a_word() {
    let pod = Pod::new();
    pod.buildah("exec /bin/sleep 600");
    let mut build = pod.start(BUILD);
    pod.wait_until("the build has begun", || pod.count("pull") > 0);
    let push = pod.start(PUSH);
    kill(&mut build);
    pod.silence("image-layout");
    let output = push.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("was killed"));
    assert_eq!(pod.count("push"), 0);
}

#[test]
fn l13_the_helper_ends_when_the_push_is_killed_without_a_word() {
    let pod = Pod::built();
    pod.buildah("exec /bin/sleep 600");
    let mut push = pod.start(PUSH);
    pod.wait_until("the push has begun", || pod.count("pull") > 0);
    let helper = pod.start(WAIT);
    kill(&mut push);
    pod.silence("done");
    let output = helper.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("was killed"));
    assert_eq!(pod.calls().iter().filter(|call| call.starts_with("oc")).count(), 0);
}

/// Manipulations of the layout by a process that has escaped from a step.
#[test]
fn what_is_no_image_is_not_pushed() {
    type Change = fn(&Pod);
    let blob = |pod: &Pod| {
        fs::read_dir(pod.path("tmp/image-layout/layout/blobs/sha256")).unwrap().next().unwrap().unwrap().path()
    };
    let cases: [(&str, Change); 10] = [
        ("a blob that leads to the credentials", |pod| {
            let name = "tmp/image-layout/layout/blobs/sha256/0123";
            symlink(pod.path("tmp/final-image-push-creds/config.json"), pod.path(name)).unwrap();
        }),
        ("blobs that lead to the credentials", |pod| {
            fs::remove_dir_all(pod.path("tmp/image-layout/layout/blobs/sha256")).unwrap();
            symlink(pod.path("tmp/final-image-push-creds"), pod.path("tmp/image-layout/layout/blobs/sha256")).unwrap();
        }),
        ("an index that leads to the credentials", |pod| {
            fs::remove_file(pod.path("tmp/image-layout/layout/index.json")).unwrap();
            let creds = pod.path("tmp/final-image-push-creds/config.json");
            symlink(creds, pod.path("tmp/image-layout/layout/index.json")).unwrap();
        }),
        ("a layout elsewhere", |pod| {
            fs::rename(pod.path("tmp/image-layout/layout"), pod.path("tmp/elsewhere")).unwrap();
            symlink(pod.path("tmp/elsewhere"), pod.path("tmp/image-layout/layout")).unwrap();
        }),
        ("a pipe", |pod| {
            let pipe = pod.path("tmp/image-layout/layout/blobs/sha256/0123");
            assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        }),
        ("a directory among the blobs", |pod| {
            fs::create_dir(pod.path("tmp/image-layout/layout/blobs/sha256/0123")).unwrap();
        }),
        ("a blob of another content", |pod| {
            let other = format!("tmp/image-layout/layout/blobs/sha256/{}", "0".repeat(64));
            pod.put(&other, "other");
        }),
        ("a blob by another name", |pod| pod.put("tmp/image-layout/layout/blobs/sha256/config.json", "{}")),
        ("no index", |pod| fs::remove_file(pod.path("tmp/image-layout/layout/index.json")).unwrap()),
        ("no blobs", |pod| fs::remove_dir_all(pod.path("tmp/image-layout/layout/blobs")).unwrap()),
    ];
    for (what, change) in cases {
        let pod = Pod::built();
        assert!(blob(&pod).exists());
        change(&pod);
        let (code, output) = pod.run(PUSH);
        assert_eq!(code, Some(42), "{what}: {output}");
        assert!(output.contains("what the build left is not an image"), "{what}: {output}");
        assert!(!output.contains("c2VjcmV0") && !pod.message().contains("c2VjcmV0"), "{what}: {output}");
        assert_eq!(pod.count("pull") + pod.count("push"), 0, "{what}: buildah reads nothing of it");
        assert!(pod.text("tmp/done/digest").is_none(), "{what}");
    }
}

#[test]
fn marks_that_another_has_made_lead_to_no_digest_but_that_of_the_push() {
    let forged = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    let pod = Pod::built();
    for name in ["digest", "layout/digest", ".digest", "alive"] {
        pod.put(&format!("tmp/image-layout/{name}"), forged);
    }
    assert_eq!(pod.run(PUSH).0, Some(0));
    assert_eq!(pod.message().trim(), DIGEST);
    assert_eq!(pod.text("tmp/done/digest").unwrap().trim(), DIGEST);
    let pod = Pod::built();
    pod.put("tmp/image-layout/failed", forged);
    assert_eq!(pod.run(PUSH).0, Some(0), "what is whole is pushed");
}

#[test]
fn what_is_pushed_is_a_copy_that_the_build_cannot_change() {
    let pod = Pod::built();
    // Buildah reads the copy, whatever happens to the original meanwhile.
    pod.buildah("[[ $1 != pull ]] || { rm -r \"$BUILD_FILES/image-layout/layout\"; [[ -s image-to-push/index.json ]] || exit 1; }");
    let (code, output) = pod.run(PUSH);
    assert_eq!(code, Some(0), "{output}");
    let left: Vec<_> = fs::read_dir(pod.path("tmp")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("push.")), "{left:?}");
}
