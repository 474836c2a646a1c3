use super::*;

fn cause_of(output: &str) -> Option<String> {
    cause(&shortened(output))
}

#[test]
fn the_cause_is_the_last_line_that_tells_of_an_error_and_is_no_summary() {
    for (output, expected) in [
        ("STEP 4: RUN dnf install tmuxx\nerror: no such package: tmuxx", "no such package: tmuxx"),
        (
            "Error: Unable to find a match: tmux-plugin\nError: building at STEP \"RUN dnf -y install a && dnf\": while running runtime: exit status 1\nfailed to build the image",
            "Unable to find a match: tmux-plugin",
        ),
        (
            "Error: writing blob: initiating layer upload: name unknown: The repository with name fleet/os does not exist in the registry\nfailed to push registry.example.com/fleet/os: gave up after 5 tries",
            "name unknown: The repository with name fleet/os does not exist in the registry",
        ),
        (
            "make: *** [all] Error 2\nsubprocess exited with status 2\nsubprocess exited with status 2",
            "make: *** [all] Error 2",
        ),
        ("one\ntwo\n", "two"),
        (
            "failed to build the image:  Problem: cannot install the best candidate\n  - nothing provides x needed by y",
            "nothing provides x needed by y",
        ),
        ("STEP 2: RUN true", "STEP 2: RUN true"),
        (
            "Error: building at STEP \"COPY x /x\": no items matching glob \"x\" copied: no such file or directory",
            "building at STEP \"COPY x /x\": no items matching glob \"x\" copied: no such file or directory",
        ),
        (
            "Error: initializing source docker://registry.test/os:9: reading manifest 9 in registry.test/os: manifest unknown\nfailed to pull registry.test/os:9 (try 1 of 5); trying again in 1s",
            "manifest unknown",
        ),
    ] {
        assert_eq!(cause_of(output).as_deref(), Some(expected), "{output}");
    }
    assert_eq!(cause_of(" \n"), None);
}

#[test]
fn a_long_step_does_not_take_the_room_of_the_cause() {
    let step = format!("RUN {}", "dnf -y install a-package && ".repeat(80));
    let output = format!(
        "STEP 9/9: {step}\nError: Unable to find a match: tmux\nError: building at STEP \"{step}\": while running runtime: exit status 1\n"
    );
    let short = shortened(&output);
    assert!(short.len() < 500, "{short}");
    assert!(short.contains("Unable to find a match: tmux") && short.ends_with("while running runtime: exit status 1"));
    assert_eq!(cause(&short).as_deref(), Some("Unable to find a match: tmux"));
}

#[test]
fn the_environment_of_a_stage_is_cut() {
    let output = "Error: committing container for step {Env:[PATH=/usr/bin API_TOKEN=tok3n] Command:run}: write /usr/lib/x: no space left on device";
    assert_eq!(
        shortened(output),
        "Error: committing container for step {Env:[…] Command:run}: write /usr/lib/x: no space left on device"
    );
    assert_eq!(shortened("step {Env:[PATH=/usr/bin API_TOKEN=tok"), "step {Env:[…]");
}

#[test]
fn of_a_long_line_both_ends_are_shown() {
    let line = format!("begin {} end", "ü".repeat(400));
    let short = shortened(&line);
    assert!(short.starts_with("begin ü") && short.ends_with("ü end") && short.len() <= LINE_BYTES_MAX + 8, "{short}");
}

#[test]
fn the_cause_begins_with_what_the_registry_said() {
    let host = "registry.apps.fleet-prod-eu-west-1.example.com";
    let image = format!("{host}/platform-engineering/rhcos-layered:rendered-worker-4d1c0f5e9a7b2c3d8e6f1a0b9c8d7e6f");
    let repository = image.rsplit_once(':').unwrap().0;
    let blob = format!("sha256:{}", "5f".repeat(32));
    let unavailable = "received unexpected HTTP status: 503 Service Unavailable";
    for (output, expected) in [
        (
            format!(
                "failed to push {image}: gave up after 5 tries: trying to reuse blob {blob} at destination: checking \
                 whether a blob {blob} exists in {repository}: {unavailable}"
            ),
            unavailable,
        ),
        (
            format!(
                "failed to push {image}: gave up after 5 tries: pushing image \"{}\" to \"docker://{} … e6f\": writing \
                 blob: initiating layer upload: {unavailable}",
                "63".repeat(32),
                &image[..40]
            ),
            unavailable,
        ),
        (
            format!(
                "failed to push {image}: access denied: writing manifest: uploading manifest 9 to {repository}: denied: no"
            ),
            "denied: no",
        ),
        (
            format!(
                "failed to push {image}: gave up after 5 tries: trying to reuse blob {} … {repository}: EOF",
                &blob[..30]
            ),
            "EOF",
        ),
        (
            format!(
                "failed to pull {image}: to try again would not help: initializing source docker://{image}: copying system image from manifest list: reading manifest 9 in {repository}: manifest unknown"
            ),
            "manifest unknown",
        ),
        (
            format!(
                "failed to pull {image}: gave up after 5 tries: pinging container registry {host}: Get \"https://r/v2/\": EOF"
            ),
            "Get \"https://r/v2/\": EOF",
        ),
        ("error: build error: Failed to push image: writing blob: denied".to_owned(), "denied"),
        (
            format!(
                "Warning: Push failed, retrying in 5s ...\nerror: build error: Failed to push image: uploading layer to {repository}: {unavailable}"
            ),
            unavailable,
        ),
        ("failed to push r.test/os:9: gave up after 5 tries".to_owned(), "gave up after 5 tries"),
    ] {
        assert_eq!(cause_of(&output).as_deref(), Some(expected), "{output}");
    }
    assert!(!says_more("Error: writing blob: EOF\nfailed to push r/x: gave up after 5 tries"));
    assert!(says_more("Error: reading manifest 9 in r.test/os: denied"), "the image is told after the cause");
}

#[test]
fn a_redacted_environment_leaves_nothing_behind() {
    assert_eq!(shortened("step {Env:[[redacted]] Command:run}: x"), "step {Env:[…] Command:run}: x");
    assert_eq!(shortened("step {Env:[A=b [redacted]] Command:run}: x"), "step {Env:[…] Command:run}: x");
    assert_eq!(shortened("step {Env:[[redacted] write /x: full"), "step {Env:[…] write /x: full");
}
