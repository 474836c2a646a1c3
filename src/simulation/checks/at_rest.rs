//! Checks of the final state, once a simulation has come to rest.

use std::fmt;

use kube::Client;
use kube::api::ListParams;

use crate::api::conditions::{BUILD_CONDITIONS, BUILD_SUCCESS};
use crate::api::pool::is_build_reference;
use crate::api::{Kind, Object, Pool, keys, names};
use crate::reconcile::pool::record::BuildRecord;
use crate::simulation::people::registry::FakeRegistry;
use crate::simulation::seed::{self, Fleet, REPOSITORY};

/// A deviation from the expected final state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The object that it is about.
    pub object: String,
    /// The deviation.
    pub what: String,
}

impl Finding {
    pub(in crate::simulation) fn new(object: impl Into<String>, what: impl Into<String>) -> Self {
        Self { object: object.into(), what: what.into() }
    }

    /// A deviation of the pool `name`.
    pub(in crate::simulation) fn of_pool(name: &str, what: impl Into<String>) -> Self {
        Self::new(format!("{} {name}", Kind::MachineConfigPool.name()), what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.what)
    }
}

/// Objects of builds that are still there.
pub(in crate::simulation) async fn leftovers(client: &Client) -> kube::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for kind in [Kind::Pod, Kind::Build, Kind::ConfigMap] {
        for object in seed::api(client, kind).list(&ListParams::default()).await? {
            let name = object.metadata.name.clone().unwrap_or_default();
            let labels = object.metadata.labels.as_ref();
            if labels.is_some_and(|labels| labels.contains_key(keys::BUILD_POD)) || names::rendered_of(&name).is_some()
            {
                findings.push(Finding::new(format!("{} {name}", kind.name()), "is left behind"));
            }
        }
    }
    Ok(findings)
}

/// Whether each pool ended with the image of its newest config.
pub(in crate::simulation) async fn pools(
    client: &Client,
    fleet: &Fleet,
    ledger: &FakeRegistry,
) -> kube::Result<Vec<Finding>> {
    let mut findings: Vec<Finding> =
        ledger.complaints().into_iter().map(|what| Finding::new("a build", what)).collect();
    findings.extend(each_pool(client, fleet, |object, newest| pool_faults(object, newest, ledger)).await?);
    Ok(findings)
}

/// The deviations of each pool that `faults` finds, given the name of its newest config.
async fn each_pool(
    client: &Client,
    fleet: &Fleet,
    faults: impl Fn(&Object, &str) -> Vec<String>,
) -> kube::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for object in seed::api(client, Kind::MachineConfigPool).list(&ListParams::default()).await? {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let whats = faults(&object, &fleet.rendered(name, fleet.configs));
        findings.extend(whats.into_iter().map(|what| Finding::of_pool(name, what)));
    }
    Ok(findings)
}

/// Deviations of a pool that should have the image of `newest`.
pub(in crate::simulation) fn pool_faults(object: &Object, newest: &str, ledger: &FakeRegistry) -> Vec<String> {
    let pool = Pool::new(object);
    let mut faults = state_faults(&pool, newest);
    let digest = pool.annotation(keys::NEWEST_IMAGE).and_then(|image| image.strip_prefix(&format!("{REPOSITORY}@")));
    match digest.and_then(|digest| ledger.image(digest)) {
        Some(image) if image.machine_config == newest => {}
        Some(image) => faults.push(format!("has the image of {}", image.machine_config)),
        None => faults.push(format!("has no image that was pushed: {:?}", pool.annotation(keys::NEWEST_IMAGE))),
    }
    faults
}

/// Whether each pool's conditions show the image of its newest config. Whether that image is the right one is checked
/// elsewhere.
pub(in crate::simulation) async fn states(client: &Client, fleet: &Fleet) -> kube::Result<Vec<Finding>> {
    each_pool(client, fleet, |object, newest| {
        let pool = Pool::new(object);
        let published = BuildRecord::of(&pool).ok().and_then(|record| record.published);
        let is_published = published.is_some_and(|published| published.inputs.rendered_config == newest);
        let unpublished = (!is_published).then(|| format!("has no image of {newest}"));
        state_faults(&pool, newest).into_iter().chain(unpublished).collect()
    })
    .await
}

/// Deviations of a pool's conditions, if it should have the image of `newest`.
fn state_faults(pool: &Pool<'_>, newest: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if pool.rendered() != newest {
        faults.push(format!("wants {}, and its newest config is {newest}", pool.rendered()));
    }
    let shown: Vec<&str> = BUILD_CONDITIONS.into_iter().filter(|type_| pool.is_true(type_)).collect();
    if shown != [BUILD_SUCCESS] {
        faults.push(format!("shows {shown:?}"));
    }
    if pool.spec_source().iter().chain(pool.status_source()).any(is_build_reference) {
        faults.push("refers to a build that is over".into());
    }
    faults
}
