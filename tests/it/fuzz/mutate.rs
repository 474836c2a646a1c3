//! Mutations of requests: of their parts, and of their bytes.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

use super::corpus::{METADATA, PROTOBUF, TABLE};
use super::document;
use super::request::{Asked, Body, JSON, YAML};
use super::values::TEXTS;
use super::world::World;

const METHODS: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "LINK"];
const SEGMENTS: [&str; 24] = [
    "",
    "a",
    "b",
    "status",
    "log",
    "binding",
    "token",
    "scale",
    "finalize",
    "namespaces",
    "pods",
    "configmaps",
    "widgets",
    "v1",
    "v1beta1",
    "api",
    "apis",
    "example.com",
    ".",
    "..",
    "%00",
    "%ff",
    "a%2fb",
    "%61",
];
const PARAMETERS: [&str; 20] = [
    "labelSelector",
    "fieldSelector",
    "limit",
    "continue",
    "resourceVersion",
    "resourceVersionMatch",
    "watch",
    "allowWatchBookmarks",
    "sendInitialEvents",
    "timeoutSeconds",
    "dryRun",
    "fieldManager",
    "fieldValidation",
    "force",
    "gracePeriodSeconds",
    "propagationPolicy",
    "orphanDependents",
    "includeObject",
    "container",
    "tailLines",
];
const ARGUMENTS: [&str; 28] = [
    "",
    "0",
    "1",
    "-1",
    "2",
    "18446744073709551615",
    "18446744073709551616",
    "x",
    "true",
    "false",
    "All",
    "Some",
    "Exact",
    "NotOlderThan",
    "Orphan",
    "Strict",
    "None",
    "Object",
    "a in (",
    "a in (b),",
    "!",
    "!a=b",
    "a=b=c",
    "a,,b",
    "a>1",
    "metadata.name=a",
    "eyJydiI6MH0",
    "\0",
];
const MEDIA_TYPES: [&str; 14] = [
    JSON,
    YAML,
    PROTOBUF,
    TABLE,
    METADATA,
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "text/plain",
    "",
    ";;q=,",
    "*/*;q=0.1",
    "application/json; charset=utf-8",
];

/// Leaves a request as it is, or changes some of it.
pub(super) fn mutate(asked: &mut Asked, random: &mut ChaCha8Rng, world: &World) {
    let count = [0, 0, 1, 1, 1, 1, 2, 3].choose(random).unwrap();
    for _ in 0..*count {
        match random.random_range(0..20) {
            0 => asked.method = METHODS.choose(random).unwrap(),
            1 => path(asked, random),
            2..4 => query(asked, random),
            4 => headers(asked, random),
            5..7 => bytes(asked, random),
            _ => match &mut asked.body {
                Body::Value(body) => document::mutate(body, random, world),
                Body::Bytes(_) => query(asked, random),
            },
        }
    }
}

fn path(asked: &mut Asked, random: &mut ChaCha8Rng) {
    let mut segments: Vec<String> = asked.path.split('/').map(str::to_owned).collect();
    let at = random.random_range(1..=segments.len());
    let segment = match random.random_range(0..12) {
        0 => "x".repeat(3_000),
        1 => "%F0%9F%A6%80".to_owned(),
        _ => (*SEGMENTS.choose(random).unwrap()).to_owned(),
    };
    match random.random_range(0..3) {
        0 => segments.insert(at, segment),
        1 if at < segments.len() => drop(segments.remove(at)),
        _ if at < segments.len() => segments[at] = segment,
        _ => segments.push(segment),
    }
    asked.path = segments.join("/");
}

fn query(asked: &mut Asked, random: &mut ChaCha8Rng) {
    let argument = (*ARGUMENTS.choose(random).unwrap()).to_owned();
    let count = asked.query.len();
    match random.random_range(0..4) {
        0 if count > 0 => asked.query[random.random_range(0..count)].1 = argument,
        1 if count > 0 => {
            let mut text = asked.query[random.random_range(0..count)].1.clone().into_bytes();
            scramble(&mut text, random);
            asked.query[0].1 = String::from_utf8_lossy(&text).into_owned();
        }
        _ => asked.query.push(((*PARAMETERS.choose(random).unwrap()).to_owned(), argument)),
    }
}

fn headers(asked: &mut Asked, random: &mut ChaCha8Rng) {
    let name = ["accept", "content-type", "content-type", "impersonate-user", "impersonate-group", "impersonate-uid"];
    let name = name.choose(random).unwrap();
    let value = if name.starts_with('i') { &TEXTS[..] } else { &MEDIA_TYPES[..] };
    let value = (*value.choose(random).unwrap()).to_owned();
    asked.headers.retain(|(known, _)| known != name);
    asked.headers.push((name, value));
}

fn bytes(asked: &mut Asked, random: &mut ChaCha8Rng) {
    let mut bytes = asked.body();
    scramble(&mut bytes, random);
    asked.body = Body::Bytes(bytes);
}

fn scramble(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    if bytes.is_empty() {
        return bytes.extend_from_slice(TEXTS.choose(random).unwrap().as_bytes());
    }
    let (one, other) = (random.random_range(0..bytes.len()), random.random_range(0..bytes.len()));
    let piece = bytes[one.min(other)..one.max(other)].to_vec();
    match random.random_range(0..6) {
        0 => bytes.truncate(one),
        // Deeper than what a document of values can be here without a stack to match.
        5 => drop(bytes.splice(one..one, "[".repeat(random.random_range(1..20_000)).into_bytes())),
        1 => bytes[one] ^= 1 << random.random_range(0..8),
        2 => bytes[one] = random.random(),
        3 => drop(bytes.splice(one..one, piece)),
        _ => drop(bytes.splice(one.min(other)..one.max(other), Vec::new())),
    }
}
