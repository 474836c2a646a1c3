//! The errors of registries and of proxies before them, in the words of buildah. The tests check how the scripts
//! interpret them, and how the daemon interprets the same words in a Build of OpenShift.
//!
//! The words are those of buildah 1.28 to 1.41, with the library `containers/image`.

use machine_os_builder::reconcile::objects::answers::{Verdict, verdict};

use super::pod::{BUILD, PUSH, Pod};

/// The names of images, hosts and tags that any of the words could be taken from.
const NAMES: [(&str, &str); 4] = [
    ("registry.test", "fleet/os:r"),
    ("denied", "denied/unauthorized:denied"),
    ("localhost:401", "forbidden/name-unknown:403"),
    ("quota.immutable.test:5000", "immutable/quota:immutable"),
];

/// The contexts in which buildah tells an answer, of a pull and of a push.
const PULLS: [&str; 2] = [
    "initializing source docker://HOST/IMAGE: reading manifest TAG in HOST/REPOSITORY: ",
    "creating build container: initializing source docker://HOST/IMAGE: pinging container registry HOST: ",
];
const PUSHES: [&str; 3] = [
    "pushing image \"0123\" to \"docker://HOST/IMAGE\": writing blob: initiating layer upload to /v2/REPOSITORY/blobs/uploads/ in HOST: ",
    "pushing image \"0123\" to \"docker://HOST/IMAGE\": trying to reuse blob sha256:0123 at destination: Requesting bearer token: ",
    "pushing image \"0123\" to \"docker://HOST/IMAGE\": writing manifest: uploading manifest TAG to HOST/REPOSITORY: ",
];

const DENIED: &[&str] = &[
    "denied",
    "unauthorized",
    "unauthorized: authentication required",
    "authentication required",
    "denied: requested access to the resource is denied",
    "requested access to the resource is denied",
    "denied: permission_denied: write_package",
    "denied: Forbidden",
    "denied: Your authorization token has expired. Reauthenticate and try again.",
    "denied: Permission \"artifactregistry.repositories.uploadArtifacts\" denied on resource \"projects/p\" (or it may not exist)",
    "unauthorized: unauthorized to access repository: fleet/os, action: push: unauthorized to access repository",
    "unauthorized: The client does not have permission to push to the repository.",
    "StatusCode: 403, <html><head><title>Forbidden</title></head><body><...",
    "StatusCode: 403, \"<html>\\n<body>Request blocked\"",
    "StatusCode: 403, ",
    "StatusCode: 401, Unauthorized",
    "StatusCode: 407, ",
    "received unexpected HTTP status: 403 Forbidden",
    "invalid status code from registry 401 (Unauthorized)",
    "unable to retrieve auth token: invalid username/password: unauthorized: incorrect username or password",
    "error parsing HTTP 403 response body: invalid character '<' looking for beginning of value: \"<html>\"",
    "unknown: not permitted by network policy",
    "unknown: Bad credentials",
    "unknown: Authentication is required",
    "unknown: Wrong username was used",
    "unknown: Token failed verification: expired",
    "unknown: token expired",
    "unknown: Download request for repo:path 'docker-local:fleet/os/9' is forbidden for user: 'anonymous'.",
    "unknown: Not enough permissions to delete/overwrite artifact 'docker-local:fleet/os/9'.",
    "unknown: unable to pull manifest from quay.io/x/y:9: unauthorized: access to the requested resource is not authorized",
];

const HOPELESS: &[&str] = &[
    "name unknown",
    "name unknown: The repository with name 'fleet/os' does not exist in the registry with id '123'",
    "repository name not known to registry",
    "manifest unknown",
    "manifest unknown: Failed to fetch \"9\"",
    "unknown: repository fleet/os not found",
    "unsupported: Registry is in read-only mode",
    "The operation is unsupported.",
    "StatusCode: 413, <html><center><h1>413 Request Entity Too Large</h1...",
    "StatusCode: 405, Method Not Allowed",
    "received unexpected HTTP status: 404 Not Found",
    "denied: adding 120.0 MiB of storage resource, which when updated to current usage of 5.0 GiB will exceed the configured upper limit of 5.0 GiB.",
    "denied: Quota has been exceeded on namespace",
    "unknown: Failed to process request due to 'r' configured as immutable.",
    "tag invalid: The image tag 'r' already exists in the 'fleet/os' repository and cannot be overwritten because the repository is immutable.",
    "manifest invalid: cannot update tag r. The repository has enabled tag immutability",
    "unknown: Repository does not allow updating assets: docker-hosted",
    "manifest invalid: schema version not supported",
    "Get \"https://HOST/v2/\": x509: certificate signed by unknown authority",
    "Get \"https://HOST/v2/\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
    "Get \"https://HOST/v2/\": http: server gave HTTP response to HTTPS client",
    "Get \"https://HOST/v2/\": tls: first record does not look like a TLS handshake",
    "Get \"https://HOST/v2/\": remote error: tls: certificate required",
    "choosing image instance: no image found in manifest list for architecture amd64, variant \"\", OS linux",
    "no image found in image index for architecture arm64, variant \"v8\", OS linux",
    "StatusCode: 404, \"<html>\"",
    "received unexpected HTTP status: 507 Insufficient Storage",
    "denied: The system is in read only mode. Any modification is prohibited.",
    "unknown: adding 120.0 MiB of storage resource, which when updated to current usage of 5.0 GiB will exceed the configured upper limit of 5.0 GiB.",
    "unknown: current image with 7 vulnerabilities cannot be pulled due to configured policy in 'Prevent images with vulnerability severity of \"Critical\" or higher from running.' To continue with pull, please contact your project administrator.",
    "unknown: The image is not signed by cosign.",
    "unknown: Tag 9 was deleted or has expired. To pull, revive via time machine",
    "unknown: Datastore disk usage is too high. Contact your administrator to add storage space or change the disk quota limits.",
    "unknown: Datastore disk usage is too high. Contact your administrator to add storage space.",
    "unknown: Artifactory: blocked by Xray: Artifact download request rejected: os/9/manifest.json was not downloaded due to the download blocking policy",
    "unknown: Service 'containerregistry.googleapis.com' is not enabled for consumer 'project:p'.",
    "unknown: Blocked by egress policy 7",
    "unknown: already has the maximum allowed number of images",
    "Get \"https://HOST/v2/\": remote error: tls: unrecognized name",
    "Get \"https://HOST/v2/\": remote error: tls: protocol version not supported",
    "Get \"https://HOST/v2/\": remote error: tls: unknown certificate",
    "Get \"https://HOST/v2/\": remote error: tls: expired certificate",
    "Get \"https://HOST/v2/\": remote error: tls: access denied",
    "Get \"https://HOST/v2/\": tls: server selected unsupported protocol version 301",
];

const OUTAGES: &[&str] = &[
    "Get \"https://HOST/v2/\": dial tcp: lookup HOST on 192.0.2.53:53: no such host",
    "Get \"https://HOST/v2/\": dial tcp: lookup denied: no such host",
    "Get \"https://HOST/v2/\": dial tcp 192.0.2.1:443: connect: connection refused",
    "Get \"https://HOST/v2/\": dial tcp 192.0.2.1:443: i/o timeout",
    "Get \"https://HOST/v2/\": net/http: TLS handshake timeout",
    "Get \"https://HOST/v2/\": read tcp 192.0.2.2:1->192.0.2.1:443: read: connection reset by peer",
    "Get \"https://HOST/v2/\": Bad Gateway",
    "EOF",
    "unexpected EOF",
    "StatusCode: 503, <html><title>denied: unauthorized</title>",
    "received unexpected HTTP status: 502 Bad Gateway",
    "received unexpected HTTP status: 500 Internal Server Error",
    "too many requests to registry",
    "toomanyrequests: Rate exceeded",
    "StatusCode: 429, ",
    "unknown: unknown error",
    "unknown: Rate exceeded",
    "unknown: API rate limit reached for your token",
    "unknown: request throttled, slow down",
    "unknown: too many requests",
    "unknown: temporarily not available",
    "unknown: concurrent download limit reached",
    "unknown: upstream is busy, try again",
    "unknown: upstream timed out",
    "unknown: Get \"http://harbor/service/token\": dial tcp 192.0.2.1:80: connect: connection refused",
    "unknown: Get \"http://harbor/service/token\": EOF",
    "unknown: Internal Server Error",
    "unknown: backend unavailable",
    "toomanyrequests: You have reached your unauthenticated pull rate limit; access denied until reset",
    "toomanyrequests: Quota exceeded for quota metric 'Requests per project per region'",
    "unavailable: service unavailable",
    "blob upload unknown: blob upload unknown to registry",
];

fn said(context: &str, answer: &str, (host, image): (&str, &str)) -> String {
    let (repository, tag) = image.rsplit_once(':').unwrap();
    let text = format!("Error: {context}{answer}");
    let names = [("HOST", host), ("IMAGE", image), ("REPOSITORY", repository), ("TAG", tag)];
    names.into_iter().fold(text, |text, (word, name)| text.replace(word, name))
}

/// Runs a script whose buildah says this of a step, and gives its exit code, how often it was tried, and its last words.
fn end(script: &str, step: &str, said: &str) -> (Option<i32>, usize, String) {
    let pod = if script == PUSH { Pod::built() } else { Pod::new() };
    pod.put("said", said);
    pod.buildah(&format!("if [[ $1 == {step} ]]; then cat '{}' >&2; exit 125; fi", pod.path("said").display()));
    let (code, output) = pod.run(script);
    assert_eq!(output.lines().last().unwrap().trim_end(), pod.message().trim_end(), "{output}");
    (code, pod.count(step), pod.message())
}

/// Tries each answer in each context, with names in turn.
fn all(answers: &[&str], codes: [i32; 2], tries: usize, read_as: Option<Verdict>) {
    let of_pull = PULLS.iter().map(|context| (BUILD, "pull", codes[0], *context));
    let of_push = PUSHES.iter().map(|context| (PUSH, "push", codes[1], *context));
    let contexts: Vec<_> = of_pull.chain(of_push).collect();
    for (number, answer) in answers.iter().enumerate() {
        // Each answer is told of a pull and of a push; over all of them, each context and name has its turn.
        for turn in [number % PULLS.len(), PULLS.len() + number % PUSHES.len()] {
            let (script, step, code, context) = contexts[turn];
            let error = said(context, answer, NAMES[(number + turn) % NAMES.len()]);
            let (found, tried, message) = end(script, step, &format!("Copying blob\n{error}\n"));
            assert_eq!((found, tried), (Some(code), tries), "{error}: {message}");
            assert_eq!(verdict(error.trim_start_matches("Error: ")), read_as, "the daemon, of {error}");
            let cause = error.rsplit(": ").next().unwrap();
            let cause: String = cause.chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
            assert!(message.contains(cause.trim()), "{cause}: {message}");
        }
    }
}

#[test]
fn l42_who_is_denied_is_not_asked_again() {
    all(DENIED, [31, 41], 1, Some(Verdict::Denied));
}

#[test]
fn what_no_try_can_mend_is_tried_once_and_fails() {
    all(HOPELESS, [32, 42], 1, Some(Verdict::Hopeless));
}

#[test]
fn outages_are_waited_for() {
    all(OUTAGES, [30, 40], 5, None);
}

#[test]
fn what_is_wrong_with_the_machine_is_no_answer_of_a_registry() {
    for error in [
        "Error: mkdir /var/lib/containers: permission denied",
        "Error: writing blob: adding layer with blob \"sha256:0\": write /usr/lib/x: no space left on device",
        "Error: creating an image for: short of memory",
        "signal: killed",
    ] {
        let (code, tried, message) = end(BUILD, "pull", error);
        assert_eq!((code, tried), (Some(30), 5), "{error} {message}");
        let is_full = error.contains("no space left");
        assert_eq!(message.contains("gave up after 5 tries: no space left on device: writing"), is_full, "{message}");
    }
}

#[test]
fn several_answers_are_read_together() {
    let answers = "errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required";
    let (code, tried, message) = end(PUSH, "push", &format!("Error: pushing image: {answers}\n"));
    assert_eq!((code, tried), (Some(41), 1), "{message}");
    assert!(message.contains("errors: denied: requested access"), "{message}");
}

#[test]
fn a_mirror_that_may_answer_later_is_waited_for() {
    let timeout = "pinging container registry m.test: Get \"https://m.test/v2/\": dial tcp 192.0.2.1:443: i/o timeout";
    let denied = "reading manifest 9 in m.test/os: denied";
    for (mirror, itself, expected) in
        [(timeout, denied, 30), (denied, timeout, 30), (denied, denied, 31), (timeout, timeout, 30)]
    {
        let error = format!(
            "Error: initializing source docker://r.test/os:9: (Mirrors also failed: [m.test/os:9: {mirror}]): r.test/os:9: {itself}"
        );
        let (code, _, message) = end(BUILD, "pull", &error);
        assert_eq!(code, Some(expected), "{error} {message}");
        assert_eq!(verdict(&error), (expected == 31).then_some(Verdict::Denied), "the daemon, of {error}");
    }
}
