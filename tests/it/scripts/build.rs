//! The container that builds.

use std::process::Command;

use machine_os_builder::reconcile::decide::cause::{cause, shortened};
use serde_json::json;

use super::pod::{BUILD, COMMON, Pod};

#[test]
fn an_image_is_pulled_built_and_left_as_a_layout() {
    let pod = Pod::new();
    assert_eq!(pod.run(BUILD), (Some(0), String::new()));
    let calls = pod.text("calls").unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    assert_eq!(calls.len(), 5, "{calls:?}");
    assert!(calls[0].starts_with("buildah pull") && calls[0].ends_with(" registry.test/os:9"), "{calls:?}");
    assert!(calls[0].contains("/base-image-pull-creds/config.json"), "{calls:?}");
    assert!(calls[1].starts_with("buildah build") && calls[1].contains("--tag registry.test/fleet/os:r"), "{calls:?}");
    assert!(calls[4].starts_with("buildah push registry.test/fleet/os:r oci:"), "{calls:?}");
    assert!(!calls.iter().any(|call| call.contains("final-image-push-creds")), "{calls:?}");
    assert!(pod.path("tmp/image-layout/layout/index.json").exists());
    assert!(!pod.path("tmp/image-layout/failed").exists());
    assert!(pod.text("message").is_none() && pod.text("tmp/done/digest").is_none(), "the digest is the push's to tell");
}

#[test]
fn steps_may_use_as_many_files_as_the_container() {
    let pod = Pod::new();
    let (soft, hard) = (512, 1024);
    let limited = format!("ulimit -Sn {soft}; ulimit -Hn {hard}\n{BUILD}");
    assert_eq!(pod.run(&limited), (Some(0), String::new()));
    let calls = pod.text("calls").unwrap();
    assert!(calls.lines().nth(1).unwrap().contains(&format!(" --ulimit=nofile={soft}:{hard} ")), "{calls}");
    // A system without a limit prints a value that buildah does not accept.
    for said in ["unlimited", ""] {
        let pod = Pod::new();
        let script = format!("ulimit() {{ echo '{said}'; }}\n{BUILD}");
        assert_eq!(pod.run(&script), (Some(0), String::new()));
        assert!(!pod.text("calls").unwrap().contains("--ulimit"), "{said}");
    }
}

#[test]
fn l35_a_damaged_payload_is_not_built() {
    for damaged in ["", "bm90IGd6aXA=", "H4sIAAAAAAAA", "%%%"] {
        let pod = Pod::new();
        pod.put("tmp/machineconfig/machineconfig.json.gz", damaged);
        let (code, output) = pod.run(BUILD);
        assert_eq!(code, Some(10), "{damaged:?} {output}");
        assert!(output.contains("failed to read the MachineConfig: the payload is damaged"), "{output}");
        assert_eq!(pod.calls(), Vec::<String>::new());
        assert!(pod.text("tmp/image-layout/failed").is_some());
        assert_eq!(pod.message(), output);
    }
}

#[test]
fn a_payload_with_nothing_to_apply_is_named_as_such() {
    for (machine_config, expected) in [
        (json!({"spec": {"kernelArguments": ["nosmt"]}}), "it has no spec.config"),
        (json!({"spec": {"config": null}}), "it has no spec.config"),
        (json!({"metadata": {"annotations": {"config": "x"}}}), "it has no spec.config"),
    ] {
        let pod = Pod::new();
        pod.payload(&machine_config);
        let (code, output) = pod.run(BUILD);
        assert_eq!(code, Some(10), "{machine_config} {output}");
        assert!(output.contains(expected) && !output.contains("room"), "{output}");
    }
    let pod = Pod::new();
    std::fs::remove_file(pod.path("tmp/machineconfig/machineconfig.json.gz")).unwrap();
    let (code, output) = pod.run(BUILD);
    assert!(code == Some(10) && output.contains("there is no payload"), "{output}");
}

#[test]
fn l41_exit_codes_say_what_failed() {
    let denied = "echo 'unauthorized: authentication required' >&2; exit 125";
    for (step, how, code, tries) in [
        ("pull", "echo 'i/o timeout' >&2; exit 125", 30, 5),
        ("pull", denied, 31, 1),
        ("pull", "echo 'Error: reading manifest 9 in r/os: manifest unknown' >&2; exit 125", 32, 1),
        ("build", "exit 1", 20, 1),
        ("push", "exit 1", 20, 1),
    ] {
        let pod = Pod::new();
        pod.buildah(&format!("if [[ $1 == {step} ]]; then {how}; fi"));
        let (found, output) = pod.run(BUILD);
        assert_eq!(found, Some(code), "{step} {output}");
        assert_eq!(pod.count(step), tries, "{step}");
        assert!(pod.text("tmp/image-layout/failed").is_some() && !pod.path("tmp/image-layout/layout").exists());
    }
}

#[test]
fn an_image_whose_last_stage_is_not_made_from_configs_is_left_to_no_push() {
    for (label, found) in [
        ("LABEL_CONFIG", ""),
        ("LABEL_CONFIG", "<no value>"),
        ("LABEL_CONFIG", "rendered-worker-0"),
        ("LABEL_POOL", ""),
        ("LABEL_POOL", "infra"),
    ] {
        let pod = Pod::new();
        let (code, output) = pod.run(&format!("export {label}='{found}'\n{BUILD}"));
        assert_eq!(code, Some(20), "{output}");
        assert!(output.contains("the last stage of the Containerfile is not made from configs"), "{output}");
        assert!(output.contains(&format!("is \"{found}\"")), "{output}");
        assert_eq!(pod.count("push"), 0);
        assert_eq!(pod.message(), output);
    }
}

/// The output of a build, and the exit status of buildah.
fn fail(said: &str) -> (String, String) {
    let pod = Pod::new();
    pod.put("said", said);
    pod.buildah(&format!("[[ $1 != build ]] || {{ cat '{}'; exit 1; }}", pod.path("said").display()));
    let (code, output) = pod.run(BUILD);
    assert_eq!(code, Some(20), "{output}");
    (pod.message(), output)
}

/// A step with a long text, echoed as buildah does.
fn long_step(first: &str) -> String {
    let more: String = (0..60).map(|n| format!(" && dnf -y install package-number-{n}-with-a-long-name")).collect();
    format!("RUN {first}{more}")
}

#[test]
fn what_a_step_said_is_not_hidden_by_its_text() {
    for (said, cause) in [
        ("Updating\nError: Unable to find a match: tmuxx", "Error: Unable to find a match: tmuxx"),
        ("E: Unable to locate package tmuxx\nsubprocess exited with status 100", "E: Unable to locate package tmuxx"),
        ("CRITICAL : files failed\nsee the log", "CRITICAL : files failed"),
        ("went on\nand stopped", "and stopped"),
    ] {
        let step = long_step("dnf -y install tmuxx");
        for end in ["while running runtime: exit status 1", "exit status 100"] {
            let (message, output) = fail(&format!(
                "STEP 1/2: FROM x\nSTEP 2/2: {step}\n{said}\nError: building at STEP \"{step}\": {end}\n"
            ));
            let first = format!("failed to build the image: {cause}\n");
            assert!(message.starts_with(&first), "{message}");
            assert!(output.ends_with(&first), "{output}");
            assert!(message.contains("Error: building at STEP \"RUN dnf -y install tmuxx"), "{message}");
            assert!(message.trim_end().ends_with(end), "{message}");
            assert!(message.len() < 1024, "{} {message}", message.len());
            let tail: String = output.chars().skip(output.chars().count().saturating_sub(2048)).collect();
            assert!(tail.contains(cause), "what a kubelet falls back to: {tail}");
            assert!(output.lines().all(|line| line.len() < 450), "{output}");
        }
    }
}

/// The last output of steps, and the line that gives the reason.
const STEPS: &[(&str, &str)] = &[
    (
        "Error: \n Problem: cannot install the best candidate for the job\n  - nothing provides python3.12dist(foo) needed by \
         bar-1.0-1.el9.x86_64 from appstream\n(try to add '--skip-broken' to skip uninstallable packages or '--nobest' to \
         use not only best candidate packages)",
        "nothing provides python3.12dist(foo) needed by bar-1.0-1.el9.x86_64 from appstream",
    ),
    (
        "Repositories loaded.\nFailed to resolve the transaction:\nNo match for argument: tmuxx\nYou can try to add to \
         command line:\n  --skip-unavailable to skip unavailable packages",
        "No match for argument: tmuxx",
    ),
    (
        "Failed to resolve the transaction:\nProblem: conflicting requests\n  - nothing provides libfoo.so.1()(64bit) \
         needed by bar\nYou can try to add to command line:\n  --skip-broken to skip uninstallable packages",
        "nothing provides libfoo.so.1()(64bit) needed by bar",
    ),
    (
        "error: Could not depsolve transaction; 1 problem detected:\n Problem: conflicting requests\n  - nothing provides \
         libfoo.so.1()(64bit) needed by bar",
        "nothing provides libfoo.so.1()(64bit) needed by bar",
    ),
    (
        "Error: Transaction test error:\n  installing package x needs 120MB more space on the / filesystem\nError \
         Summary\n-------------\nDisk Requirements:\n   At least 120MB more space needed on the / filesystem.",
        "At least 120MB more space needed on the / filesystem.",
    ),
    (
        "Traceback (most recent call last):\n  File \"/gen.py\", line 3, in <module>\n    import \
         yaml\nModuleNotFoundError: No module named 'yaml'",
        "ModuleNotFoundError: No module named 'yaml'",
    ),
    (
        "npm error code E404\nnpm error 404  'foo@*' is not in this registry.\nnpm error A complete log of this run can be \
         found in: /root/.npm/_logs/2026-debug-0.log",
        "npm error 404  'foo@*' is not in this registry.",
    ),
    (
        "[ERROR] Failed to execute goal on project app: lib:jar:1.0 was not found\n[ERROR] \n[ERROR] To see the full stack \
         trace of the errors, re-run Maven with the -e switch.\n[ERROR] [Help 1] http://cwiki.apache.org/X/FooException",
        "[ERROR] Failed to execute goal on project app: lib:jar:1.0 was not found",
    ),
    (
        "foo.c:3:10: fatal error: bar.h: No such file or directory\n    3 | #include <bar.h>\ncompilation \
         terminated.\nmake: *** [Makefile:2: foo.o] Error 1",
        "foo.c:3:10: fatal error: bar.h: No such file or directory",
    ),
    ("cc -c all.c\nmake: *** [all] Error 2", "make: *** [all] Error 2"),
    (
        "cp: cannot stat '/src/agent.conf': No such file or directory\nwarning: 0 errors, nothing was invalid",
        "cp: cannot stat '/src/agent.conf': No such file or directory",
    ),
    (
        "curl: (6) Could not resolve host: downloads.example.com",
        "curl: (6) Could not resolve host: downloads.example.com",
    ),
];

#[test]
fn the_script_and_the_daemon_find_the_same_line_of_a_step() {
    for (said, expected) in STEPS {
        let end = "Error: building at STEP \"RUN x\": while running runtime: exit status 1";
        let (message, output) = fail(&format!("STEP 1/2: FROM x\nSTEP 2/2: RUN x\n{said}\n{end}\n"));
        assert_eq!(
            message.lines().next(),
            Some(format!("failed to build the image: {expected}").as_str()),
            "{message}"
        );
        let openshift = format!(
            "Dockerfile build strategy has failed.\nSTEP 2/2: RUN x\n{said}\nerror: build error: error {}",
            end.trim_start_matches("Error: ").replace("while", "error while")
        );
        for told in [message, output, openshift] {
            assert_eq!(cause(&shortened(&told)).as_deref(), Some(*expected), "{told}");
        }
    }
}

#[test]
fn what_buildah_itself_says_is_told_where_no_command_failed() {
    let said =
        "STEP 1/2: FROM x\nSTEP 2/2: COPY no /x\nError: building at STEP \"COPY no /x\": stat: \"/no\": no such file";
    let (message, _) = fail(said);
    assert_eq!(message, "failed to build the image: building at STEP \"COPY no /x\": stat: \"/no\": no such file\n");
    let (message, _) = fail("no buildah would say this");
    assert_eq!(message, "failed to build the image: no buildah would say this\n");
}

#[test]
fn the_environment_of_a_stage_is_not_told() {
    for environment in
        ["PATH=/bin API_TOKEN=t0ken-s-Secret", "A=[x] API_TOKEN=t0ken-s-Secret] B=y", "API_TOKEN=t0ken-s-Secret"]
    {
        for rest in [
            " Command:run Args:[true] Flags:[] Attrs:map[] Message:RUN true Heredocs:[] Original:RUN true}: write /x: full",
            "}: write /x: no space left on device",
            "",
        ] {
            let end = if rest.is_empty() { "" } else { "]" };
            let (message, output) =
                fail(&format!("Error: committing container for step {{Env:[{environment}{end}{rest}"));
            assert!(output.contains("Env:[…]"), "{output}");
            assert!(!output.contains("t0ken") && !message.contains("t0ken"), "{output} {message}");
            assert!(rest.is_empty() || message.contains(": write /x: "), "{message}");
        }
    }
}

#[test]
fn a_full_disk_is_said_first() {
    let full = "Error: committing the finished image: copying layers: write /var/tmp/storage: no space left on device";
    let step = long_step("cp -r /usr /copy");
    for said in [
        full.to_owned(),
        format!(
            "STEP 2/2: {step}\ncp: error writing '/copy/x': No space left on device\nfailed\nError: building at STEP \"{step}\": exit status 1"
        ),
        format!("time=\"x\" level=error msg=\"write: no space left on device\"\n{full}\nError: {}", "y".repeat(900)),
    ] {
        let (message, output) = fail(&said);
        assert!(message.starts_with("failed to build the image: no space left on device: "), "{message}");
        assert!(output.lines().last().unwrap().contains("no space left on device"), "{output}");
    }
}

#[test]
fn lines_are_cut_between_characters() {
    for filler in ["é", "日本", "🙂x"] {
        let step = format!("RUN {}", filler.repeat(700));
        let (message, output) = fail(&format!("STEP 1/1: {step}\nError: building at STEP \"{step}\": exit status 1\n"));
        // It was read as text, or this would not be reached.
        assert!(message.contains(" … ") && output.contains(" … "), "{output}");
    }
}

#[test]
fn words_are_not_cut_in_the_middle_of_them() {
    let calls = r#"
for ((before = 1; before <= 120; before++)); do
  printf -v a '%*s' "$before" ''
  printf -v b '%*s' "$((240 - before))" ''
  shorten "x${a// /a} c0rrect-h0rse-battery-staple-and-more ${b// /b} y" 200
done
shorten "$(printf 'z%.0s' {1..300})" 100
shorten "one  two" 100
"#;
    let output = Command::new("bash").arg("-c").arg(format!("{COMMON}{calls}")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.lines().count() == 122, "{text}");
    for line in text.lines() {
        let rest = line.replace("c0rrect-h0rse-battery-staple-and-more", "");
        assert!(["c0rr", "h0rse", "battery", "staple", "more"].iter().all(|part| !rest.contains(part)), "{line}");
    }
    assert!(text.ends_with(&format!("{} … {}\none  two\n", "z".repeat(40), "z".repeat(60))), "{text}");
}

#[test]
fn a_build_that_is_told_to_end_does_so_at_once() {
    let pod = Pod::new();
    pod.buildah("[[ $1 != build ]] || exec /bin/sleep 600");
    let mut build = pod.start(BUILD);
    pod.wait_until("the image is being built", || pod.count("build") > 0);
    let id = build.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(build.wait().unwrap().code(), Some(143));
    assert!(pod.text("tmp/image-layout/failed").is_some());
    // In a pod, its child processes would end with its container.
    assert!(Command::new("kill").args(["-KILL", "--", &format!("-{id}")]).status().unwrap().success());
}
