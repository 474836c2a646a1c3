//! The daemon obeys each setting of a kubeconfig, or refuses the kubeconfig.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::processes::{Cluster, Printed, machine_os_builder, run};

fn cluster() -> Cluster {
    Cluster::start(&["--executor", "none"])
}

fn text(cluster: &Cluster) -> String {
    std::fs::read_to_string(cluster.kubeconfig()).unwrap()
}

/// The kubeconfig with a line in the place of the one that begins like this.
fn with(cluster: &Cluster, name: &str, beginning: &str, lines: &[&str]) -> String {
    let text = text(cluster);
    let old = text.lines().find(|line| line.trim_start().starts_with(beginning)).unwrap();
    let blanks = &old[..old.len() - old.trim_start().len()];
    let new: Vec<String> = lines.iter().map(|line| format!("{blanks}{}", line.replace("{}", old.trim()))).collect();
    let mut changed = Vec::new();
    let mut is_old = false;
    for line in text.lines() {
        // A value of several lines goes with it.
        let depth = line.len() - line.trim_start().len();
        is_old = line == old || (is_old && depth > blanks.len());
        if line == old && !lines.contains(&"{}") {
            changed.extend(new.iter().cloned());
        } else if !is_old || lines.contains(&"{}") {
            changed.push(line.to_owned());
            if line == old {
                changed.extend(new.iter().filter(|line| line.trim() != old.trim()).cloned());
            }
        }
    }
    cluster.file(name, &changed.join("\n"))
}

fn status(cluster: &Cluster, kubeconfig: &str) -> Printed {
    status_by(cluster, |command| command.env("KUBECONFIG", kubeconfig))
}

fn status_by(cluster: &Cluster, change: impl FnOnce(&mut Command) -> &mut Command) -> Printed {
    let mut command = machine_os_builder("status");
    command.env("HOME", cluster.directory.path());
    for name in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    run(change(&mut command), cluster.directory.path())
}

fn succeeds(printed: &Printed) {
    assert_eq!(printed.code, Some(0), "{printed:?}");
}

/// One sentence, on one line.
fn refuses(printed: &Printed, expected: &str) {
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(printed.stderr.starts_with("error: ") && printed.stderr.contains(expected), "{expected}: {printed:?}");
    assert_eq!(printed.stderr.lines().count(), 1, "{printed:?}");
    assert!(!printed.stderr.contains("Status {") && !printed.stderr.contains("ApiError"), "{printed:?}");
}

#[test]
fn of_a_list_files_that_are_not_there_are_passed_over() {
    let cluster = cluster();
    let (path, empty) = (cluster.kubeconfig().display().to_string(), cluster.file("empty", ""));
    succeeds(&status(&cluster, &format!("{path}:/nonexistent/one")));
    succeeds(&status(&cluster, &format!("/nonexistent/one::{empty}:{path}")));
    refuses(&status(&cluster, "/nonexistent/one:/nonexistent/two"), "/nonexistent/one, /nonexistent/two");
    refuses(&status(&cluster, &format!("{path}:{}", cluster.directory.path().display())), "is a directory");
    let list = cluster.file("list", "- a\n");
    refuses(&status(&cluster, &format!("{list}:{path}")), &format!("failed to parse the kubeconfig {list}"));
}

#[test]
fn the_first_file_of_a_list_says_which_context_is_the_current_one() {
    let cluster = cluster();
    let path = cluster.kubeconfig().display().to_string();
    let other = cluster.file("other", "current-context: nosuch\n");
    refuses(&status(&cluster, &format!("{other}:{path}")), "there is no context nosuch; there are: local-cluster");
    succeeds(&status(&cluster, &format!("{path}:{other}")));
    let none = cluster.file("none", "current-context: \"\"\n");
    succeeds(&status(&cluster, &format!("{none}:{path}")));
    let chosen = |name: &str| status_by(&cluster, |command| command.env("KUBECONFIG", &path).args(["--context", name]));
    succeeds(&chosen("local-cluster"));
    refuses(&chosen("nosuch"), "there is no context nosuch");
}

#[test]
fn requests_are_sent_as_the_user_that_is_asked_for() {
    let cluster = cluster();
    for (lines, expected) in [
        (&["{}", "as: bob"][..], "User \"bob\" cannot list"),
        (
            &["{}", "as: system:serviceaccount:default:robot"],
            "User \"system:serviceaccount:default:robot\" cannot list",
        ),
        (&["{}", "as-groups: [system:masters]"], "need a user to act as"),
        (&["{}", "as-uid: x"], "need a user to act as"),
        (&["{}", "as-user-extra: {a: [b]}"], "need a user to act as"),
        (&["{}", "username: bob"], "a username without a password"),
        (&["{}", "client-key-data: x"], "a client key without its client-certificate"),
        (&["token: wrong"], "does not accept the credentials"),
    ] {
        refuses(&status(&cluster, &with(&cluster, "as", "token:", lines)), expected);
    }
    succeeds(&status(&cluster, &with(&cluster, "as", "token:", &["{}", "as: bob", "as-groups: [system:masters]"])));
}

#[test]
fn a_token_comes_from_a_file_or_a_program() {
    let cluster = cluster();
    let text = text(&cluster);
    let token = text.split("token: ").nth(1).unwrap().lines().next().unwrap();
    cluster.file("token", &format!("{token}\n"));
    succeeds(&status(&cluster, &with(&cluster, "k1", "token:", &["tokenFile: token"])));
    succeeds(&status(&cluster, &with(&cluster, "k2", "token:", &["token: wrong", "tokenFile: token"])));
    refuses(
        &status(&cluster, &with(&cluster, "k3", "token:", &["tokenFile: nosuch"])),
        "failed to read the token file",
    );
    let credential =
        r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "TOKEN"}}"#;
    let script = format!("#!/bin/sh\necho '{}'\n", credential.replace("TOKEN", token));
    let path = cluster.file("plugin", &script);
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    let exec = |command: &str| {
        let api = "apiVersion: client.authentication.k8s.io/v1";
        format!("exec: {{{api}, interactiveMode: Never, installHint: see there, command: {command}}}")
    };
    succeeds(&status(&cluster, &with(&cluster, "k4", "token:", &[&exec("./plugin")])));
    let missing = status(&cluster, &with(&cluster, "k5", "token:", &[&exec("./nosuch")]));
    refuses(&missing, "nosuch: No such file or directory (os error 2); see there");
    refuses(&status(&cluster, &with(&cluster, "k6", "token:", &[&exec("\"false\"")])), "exit status: 1");
    let provider = with(&cluster, "k7", "token:", &["auth-provider: {name: azure, config: {a: b}}"]);
    refuses(&status(&cluster, &provider), "azure");
}

#[test]
fn a_servers_certificate_is_held_against_what_is_asked_for() {
    let cluster = cluster();
    let tls = |lines: &[&str]| with(&cluster, "tls", "server:", lines);
    succeeds(&status(&cluster, &tls(&["{}", "tls-server-name: localhost"])));
    refuses(&status(&cluster, &tls(&["{}", "tls-server-name: other.test"])), "other.test");
    refuses(&status(&cluster, &tls(&["{}", "insecure-skip-tls-verify: true"])), "exclude each other");
    let insecure = with(&cluster, "tls", "certificate-authority-data:", &["insecure-skip-tls-verify: true"]);
    succeeds(&status(&cluster, &insecure));
    let unknown = with(&cluster, "tls", "certificate-authority-data:", &["disable-compression: true"]);
    refuses(&status(&cluster, &unknown), "failed to reach the API server");
    let missing = with(&cluster, "tls", "certificate-authority-data:", &["certificate-authority: /nonexistent/ca"]);
    refuses(&status(&cluster, &missing), "/nonexistent/ca");
}

/// An HTTP proxy that only tunnels, and counts the tunnels.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, tunnels) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&tunnels);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || tunnel(client, &counted));
        }
    });
    (address, tunnels)
}

fn tunnel(mut client: TcpStream, counted: &AtomicUsize) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or_default() == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split(' ');
    assert_eq!(words.next(), Some("CONNECT"), "{head}");
    // As the proxy's URL has it.
    assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic dtpw"), "{head}");
    let server = TcpStream::connect(words.next().unwrap()).unwrap();
    counted.fetch_add(1, Ordering::SeqCst);
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    let (mut from, mut to) = (server, client);
    let _ = std::io::copy(&mut from, &mut to);
}

#[test]
fn requests_go_by_the_proxy_that_is_asked_for() {
    let cluster = cluster();
    let (address, tunnels) = proxy();
    let by = |url: &str| with(&cluster, "proxied", "server:", &["{}", &format!("proxy-url: {url}")]);
    // A kubeconfig's proxy is used even for this machine, and whatever NO_PROXY says.
    let proxied = by(&format!("http://u:p@{address}"));
    succeeds(&status_by(&cluster, |command| command.env("KUBECONFIG", proxied).env("NO_PROXY", "*")));
    assert!(tunnels.load(Ordering::SeqCst) > 0);
    refuses(&status(&cluster, &by("socks5://127.0.0.1:1")), "failed to reach the API server");
    refuses(&status(&cluster, &by("http://127.0.0.1:1")), "failed to reach the API server");
    let strange = status(&cluster, &by("ftp://u:s3cr3t@127.0.0.1:1"));
    refuses(&strange, "cannot be used; write it as in http://proxy.example.com:3128");
    assert!(!strange.stderr.contains("s3cr3t"), "{strange:?}");
    refuses(&status(&cluster, &by("proxy.test:3128")), "cannot be used");
    // The proxy in the environment is for other machines.
    let kubeconfig = cluster.kubeconfig();
    let direct = |command: &mut Command| {
        command.env("KUBECONFIG", &kubeconfig).env("HTTPS_PROXY", "http://127.0.0.1:1");
    };
    succeeds(&status_by(&cluster, |command| {
        direct(command);
        command
    }));
}
