//! The metrics page: names, types and units by Prometheus' conventions, and the metrics present from the start.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use machine_os_builder::daemon::admin::Admin;
use machine_os_builder::daemon::metrics::Metrics;
use regex::Regex;

use super::scrape::{PREFIX, Scraped, page, samples};

/// A metric family as its metadata says it is.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    help: String,
    unit: String,
}

fn families(page: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    for line in page.lines().filter_map(|line| line.strip_prefix("# ")) {
        let mut words = line.splitn(3, ' ');
        let (what, name, text) = (words.next().unwrap(), words.next(), words.next());
        let field = |family: &mut Family, text: &str| match what {
            "TYPE" => family.kind = text.to_owned(),
            "HELP" => family.help = text.to_owned(),
            "UNIT" => family.unit = text.to_owned(),
            _ => panic!("{line}"),
        };
        if let Some((name, text)) = name.zip(text) {
            field(families.entry(name.to_owned()).or_default(), text);
        } else {
            assert_eq!(line, "EOF");
        }
    }
    families
}

/// The names of the samples that a family of this type has.
fn names_of(name: &str, kind: &str) -> Vec<String> {
    let suffixes: &[&str] = match kind {
        "counter" => &["_total"],
        "gauge" => &[""],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_count", "_sum"],
        _ => panic!("{name} is a {kind}"),
    };
    suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
}

/// A page with everything on it.
async fn everything() -> String {
    let (cluster, process) = Scraped::with_cluster().await;
    cluster.create_pool("worker", "rendered-worker-1").await;
    cluster.rest(Duration::from_secs(60)).await;
    cluster.succeed("rendered-worker-1").await;
    cluster.rest(Duration::from_secs(60)).await;
    process.page().await
}

#[tokio::test(start_paused = true)]
async fn names_types_and_units_follow_the_conventions() {
    let page = everything().await;
    assert!(page.ends_with("\n# EOF\n"), "{page}");
    let (families, snake_case) = (families(&page), Regex::new("^[a-z][a-z0-9]*(_[a-z0-9]+)*$").unwrap());
    let mut samples: BTreeMap<String, f64> = samples(&page);
    assert!(families.len() >= 20, "{families:#?}");
    for (name, Family { kind, help, unit }) in &families {
        assert!(name.starts_with(PREFIX) || name == "process_start_time_seconds", "{name}");
        assert!(snake_case.is_match(name), "{name}");
        assert!(!name.ends_with("_total"), "the suffix is the sample's: {name}");
        assert!(help.len() > 10 && help.starts_with(char::is_uppercase) && help.ends_with('.'), "{name}: {help}");
        let is_time = name.ends_with("_seconds");
        assert_eq!(unit, if is_time { "seconds" } else { "" }, "{name}");
        assert_eq!(name.contains("duration") || name.contains("time"), is_time, "times have base units: {name}");
        assert_eq!(kind == "histogram", name.contains("duration"), "{name}");
        let of_family = names_of(name, kind);
        let before = samples.len();
        samples.retain(|sample, _| !of_family.iter().any(|name| sample.split('{').next() == Some(name)));
        assert!(samples.len() < before, "{name} has no samples");
    }
    assert_eq!(samples, BTreeMap::new(), "of no family");
}

#[tokio::test(start_paused = true)]
async fn the_documents_have_them_all_and_no_others() {
    let section = include_str!("../../../docs/operations.md").split_once("\n## Metrics\n").unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| row.split('|').next().unwrap());
    let told: BTreeSet<&str> = rows.flat_map(|cell| cell.split('`')).filter(|word| word.contains('_')).collect();
    let words = ["pools", "ready", "leader"];
    let (page, mut there) = (everything().await, BTreeSet::new());
    for (name, Family { kind, .. }) in families(&page) {
        let suffix = match kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        there.extend(name.strip_prefix(PREFIX).map(|name| format!("{name}{suffix}")));
    }
    there.retain(|name| !words.contains(&name.as_str()));
    assert_eq!(told, there.iter().map(String::as_str).collect());
    for word in words {
        assert!(section.contains(&format!("`{word}`")), "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn labels_have_a_few_values_each() {
    let label = Regex::new(r#"([a-z_]+)="([^"]*)""#).unwrap();
    let value = Regex::new("^([a-z_]+|[A-Za-z]+|[1-5][0-9][0-9]|[0-9.+Inf]+)$").unwrap();
    let page = everything().await;
    for sample in samples(&page).keys() {
        for found in label.captures_iter(sample) {
            let known = ["actor", "cause", "code", "le", "reason", "result", "verb", "version"];
            assert!(known.contains(&&found[1]) && value.is_match(&found[2]), "{sample}");
        }
        assert!(!sample.contains("worker"), "no pool and no object is a label: {sample}");
    }
    assert!(samples(&page).len() < 300, "{page}");
}

#[tokio::test(start_paused = true)]
async fn what_can_be_counted_is_there_from_the_start_and_on_a_standby() {
    let started = "2026-01-01T00:00:00Z".parse().unwrap();
    let page = page(&Admin::new(Metrics::new(started))).await;
    let samples = samples(&page);
    for name in [
        "leader",
        "builds_started_total",
        "builds_succeeded_total",
        "builds_failed_total{cause=\"lost\"}",
        "invalid_inputs_total{reason=\"KeyMissing\"}",
        "invalid_inputs_total{reason=\"NameConflict\"}",
        "actor_restarts_total{actor=\"pool\"}",
        "actor_meltdowns_total{actor=\"build\"}",
        "build_duration_seconds_count{result=\"succeeded\"}",
        "queue_duration_seconds_count",
    ] {
        assert_eq!(samples.get(&format!("{PREFIX}{name}")), Some(&0.0), "{name}: {page}");
    }
    let version = format!("{PREFIX}build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(samples.get(&version), Some(&1.0));
    assert_eq!(samples["process_start_time_seconds"], 1_767_225_600.0);
    for leaders in ["active_builds", "waiting_builds", "ready"] {
        assert!(!samples.contains_key(&format!("{PREFIX}{leaders}")), "a standby knows nothing of {leaders}");
    }
}
