//! The build request of a pool, combined from everything that users write.

use std::sync::Arc;

use super::build_inputs::BuildInputs;
use super::fault::{FaultReason, InputFault};
use super::image_builder::ImageBuilder;
use super::pull_secret::PullSecret;
use super::sources::{self, Read, Sources, known};
use super::stages::{self, Problem};
use crate::api::names::{self, CUSTOM_CONTAINERFILE};
use crate::api::{Key, Kind, Pool};
use crate::reconcile::observed::cache::Cache;
use crate::reconcile::pool::record::BuildRecord;

/// One build, in full: nothing else is needed to make its objects.
#[derive(Clone)]
pub struct BuildRequest {
    /// The pool that it is for.
    pub pool: String,
    /// What the image depends on.
    pub inputs: BuildInputs,
    /// The hash of the inputs.
    pub hash: String,
    /// The claim that its objects bear; none before it is claimed.
    pub claim: Option<String>,
    /// The pool's own Containerfile text.
    pub custom_containerfile: Option<String>,
    /// The credentials to pull the base image with.
    pub pull_secret: PullSecret,
    /// The credentials to push the image with.
    pub push_secret: PullSecret,
    /// The backend that is to run it.
    pub builder: ImageBuilder,
}

/// The build that a pool wants, as far as it is known.
#[derive(Clone)]
pub enum Wanted {
    /// Not everything has been read yet.
    Unknown,
    /// Something cannot be used.
    Faulty(InputFault),
    /// This build.
    Known(Arc<BuildRequest>),
}

impl BuildRequest {
    /// The image to push: the repository, tagged with the rendered config's name.
    pub fn image(&self) -> String {
        format!("{}:{}", self.inputs.repository, names::image_tag(&self.inputs.rendered_config))
    }
}

/// What `pool` wants built, going by `sources`, read before, and by `cache`.
pub fn wanted(sources: &Read<Sources>, cache: &Cache, pool: &Pool<'_>, record: &BuildRecord) -> Wanted {
    match request(sources, cache, pool, record) {
        Ok(Some(request)) => Wanted::Known(Arc::new(request)),
        Ok(None) => Wanted::Unknown,
        Err(fault) => Wanted::Faulty(fault),
    }
}

fn request(sources: &Read<Sources>, cache: &Cache, pool: &Pool<'_>, record: &BuildRecord) -> Read<BuildRequest> {
    let rendered = rendered_config(pool)?;
    let sources = known!(sources.clone());
    let custom_containerfile = known!(custom_containerfile(cache, pool.name()));
    machine_config(cache, rendered)?;
    let inputs = BuildInputs {
        rendered_config: rendered.to_owned(),
        base_image: sources.base_image,
        extensions_image: sources.extensions_image,
        release_version: sources.release_version,
        custom_containerfile: custom_containerfile.as_ref().map(names::sha256_hex),
        repository: sources.repository,
        generation: record.generation,
    };
    Ok(Some(BuildRequest {
        pool: pool.name().to_owned(),
        claim: record.attempt_at(&inputs.hash()).and_then(|attempt| attempt.claim.clone()),
        hash: inputs.hash(),
        inputs,
        custom_containerfile,
        pull_secret: sources.pull_secret,
        push_secret: sources.push_secret,
        builder: sources.builder,
    }))
}

fn custom_containerfile(cache: &Cache, pool: &str) -> Read<Option<String>> {
    let key = Key::new(Kind::ConfigMap, CUSTOM_CONTAINERFILE);
    let Some(object) = cache.get(&key) else { return Ok(cache.is_absent(&key).then_some(None)) };
    let invalid = |fault| InputFault { reason: FaultReason::ContainerfileInvalid, ..fault };
    let text = sources::text(object, pool).map_err(invalid)?.filter(|text| !text.trim().is_empty());
    if let Some(text) = text {
        stages::check(text).map_err(|Problem { problem, fix }| {
            sources::fault(FaultReason::ContainerfileInvalid, object, pool, problem, fix)
        })?;
    }
    Ok(Some(text.map(str::to_owned)))
}

/// MachineConfigs are watched as a whole, and no pool is looked at before the first list of them is complete: one that
/// is not known is not there.
fn machine_config(cache: &Cache, rendered: &str) -> Result<(), InputFault> {
    let key = Key::new(Kind::MachineConfig, rendered);
    if cache.get(&key).is_some() {
        return Ok(());
    }
    let problem = "it does not exist, and the pool's spec.configuration.name asks for it";
    let fix = "let the pool be rendered again, or correct spec.configuration.name";
    Err(InputFault::missing(FaultReason::MachineConfigMissing, key, problem, fix))
}

fn rendered_config<'p>(pool: &Pool<'p>) -> Result<&'p str, InputFault> {
    let rendered = pool.rendered();
    let fault = |reason, problem: String, fix: &str| {
        let object = Key::new(Kind::MachineConfigPool, pool.name());
        InputFault::new(reason, object, Some("spec.configuration.name"), problem, fix)
    };
    if !names::is_dns1123_subdomain(rendered) {
        let problem = format!("{rendered:?} cannot be the name of an object");
        return Err(fault(FaultReason::NameInvalid, problem, "set it to the name of a rendered MachineConfig"));
    }
    if !rendered.starts_with(names::RENDERED_PREFIX) {
        let problem = format!("{rendered:?} is not a rendered MachineConfig, whose name begins with rendered-");
        let fix = "set it to the name of a rendered MachineConfig";
        return Err(fault(FaultReason::MachineConfigNotRendered, problem, fix));
    }
    let longest = names::longest(rendered);
    if !names::is_dns1123_subdomain(&longest) {
        let problem = format!("the name {longest:?} of an object of its build would be too long");
        return Err(fault(FaultReason::NameInvalid, problem, "give the rendered MachineConfig a shorter name"));
    }
    Ok(rendered)
}
