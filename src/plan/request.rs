//! What a pool wants built, put together from everything that users write.

use std::sync::Arc;

use serde_json::Value;

use super::builder::{self, BUILDER_TYPE, Builders, ImageBuilder};
use super::cache::{Cache, Change};
use super::fault::{FaultReason, InputFault};
use super::inputs::BuildInputs;
use super::objects;
use super::payload::PayloadTooLarge;
use super::pull_secret::{self, PullSecret};
use super::pullspec;
use super::record::BuildRecord;
use crate::api::limits::CONFIG_MAP_BYTES_MAX;
use crate::api::names::{self, BUILD_CONFIG, CUSTOM_CONTAINERFILE, OS_IMAGE_URL};
use crate::api::{Key, Kind, Object, Pool};

/// One build, in full: nothing else is needed to make its objects.
#[derive(Clone)]
pub struct BuildRequest {
    /// The pool that it is for.
    pub pool: String,
    /// What the image depends on.
    pub inputs: BuildInputs,
    /// The hash of the inputs.
    pub hash: String,
    /// The pool's own Containerfile text.
    pub custom_containerfile: Option<String>,
    /// The credentials to pull the base image with.
    pub pull_secret: PullSecret,
    /// The credentials to push the image with.
    pub push_secret: PullSecret,
    /// The backend that is to run it.
    pub builder: &'static dyn ImageBuilder,
}

/// What is known of what a pool wants built.
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

/// Names of the Secrets that the build config asks for, usable ones only.
pub fn secret_names(build_config: &Object) -> Vec<String> {
    ["baseImagePullSecretName", "finalImagePushSecretName"]
        .into_iter()
        .filter_map(|key| build_config.data.pointer(&format!("/data/{key}"))?.as_str())
        .filter(|name| names::is_dns1123_subdomain(name))
        .map(str::to_owned)
        .collect()
}

/// A value that may not be known yet, or not be usable.
pub type Read<T> = Result<Option<T>, InputFault>;

/// What users write for all pools: the same until one of their ConfigMaps or Secrets changes.
#[derive(Clone)]
pub struct Sources {
    builder: &'static dyn ImageBuilder,
    repository: String,
    base_image: String,
    extensions_image: Option<String>,
    release_version: String,
    pull_secret: PullSecret,
    push_secret: PullSecret,
}

/// The value, or an early return where it is not known yet.
macro_rules! known {
    ($read:expr) => {
        match $read? {
            Some(value) => value,
            None => return Ok(None),
        }
    };
}

impl Sources {
    /// Reads and checks what is known of the ConfigMaps and Secrets, and whether the cluster can run what they ask for
    /// of `builders`.
    pub fn read(cache: &Cache, builders: &Builders) -> Read<Self> {
        let config = known!(config_map(cache, BUILD_CONFIG));
        let images = known!(config_map(cache, OS_IMAGE_URL));
        let extensions_image = match optional(images, "baseOSExtensionsContainerImage") {
            Some(_) => Some(image(images, "baseOSExtensionsContainerImage")?),
            None => None,
        };
        Ok(Some(Self {
            builder: builder(cache, config, builders)?,
            repository: repository(config)?,
            base_image: image(images, "baseOSContainerImage")?,
            extensions_image,
            release_version: printable(images, "releaseVersion")?.to_owned(),
            pull_secret: known!(secret(cache, config, "baseImagePullSecretName")),
            push_secret: known!(secret(cache, config, "finalImagePushSecretName")),
        }))
    }

    /// Whether they may be otherwise after `change`.
    pub fn depend_on(change: &Change) -> bool {
        change.key().is_none_or(|key| key.kind == Kind::Secret || key.is_input_config_map())
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
        hash: inputs.hash(),
        inputs,
        custom_containerfile,
        pull_secret: sources.pull_secret,
        push_secret: sources.push_secret,
        builder: sources.builder,
    }))
}

fn config_map<'a>(cache: &'a Cache, name: &str) -> Read<&'a Object> {
    let key = Key::new(Kind::ConfigMap, name);
    match cache.get(&key) {
        Some(object) => Ok(Some(object)),
        None if cache.is_absent(&key) => Err(InputFault {
            reason: FaultReason::ConfigMapMissing,
            object: key.to_string(),
            key: None,
            problem: "it does not exist".into(),
            fix: "create it".into(),
            missing: Some(Box::new(key)),
        }),
        None => Ok(None),
    }
}

fn custom_containerfile(cache: &Cache, pool: &str) -> Read<Option<String>> {
    let key = Key::new(Kind::ConfigMap, CUSTOM_CONTAINERFILE);
    match cache.get(&key) {
        Some(object) => {
            let text = object.data.get("data").and_then(|data| data.get(pool)).and_then(Value::as_str);
            Ok(Some(text.filter(|text| !text.trim().is_empty()).map(str::to_owned)))
        }
        None => Ok(cache.is_absent(&key).then_some(None)),
    }
}

fn secret(cache: &Cache, config: &Object, setting: &str) -> Read<PullSecret> {
    let name = required(config, setting)?;
    if !names::is_dns1123_subdomain(name) {
        let problem = format!("{name:?} cannot be the name of a Secret");
        return Err(fault(FaultReason::NameInvalid, config, setting, problem, "name an existing Secret"));
    }
    let key = Key::new(Kind::Secret, name);
    match cache.get(&key) {
        Some(object) => {
            let secret = pull_secret::normalise(object)?;
            if names::is_dns1123_subdomain(&secret.name) {
                return Ok(Some(secret));
            }
            let problem = format!("the name {:?} of the Secret made from it would be too long", secret.name);
            Err(fault(FaultReason::NameInvalid, config, setting, problem, "give the Secret a shorter name"))
        }
        None if cache.is_absent(&key) => Err(InputFault {
            reason: FaultReason::SecretMissing,
            object: key.to_string(),
            key: None,
            problem: format!("it does not exist, and {setting} of ConfigMap {BUILD_CONFIG} names it"),
            fix: format!("create it, or correct {setting}"),
            missing: Some(Box::new(key)),
        }),
        None => Ok(None),
    }
}

/// MachineConfigs are watched as a whole, and no pool is looked at before the first list of them is complete: one that
/// is not known is not there.
fn machine_config(cache: &Cache, rendered: &str) -> Result<(), InputFault> {
    let key = Key::new(Kind::MachineConfig, rendered);
    if cache.get(&key).is_some() {
        return Ok(());
    }
    Err(InputFault {
        reason: FaultReason::MachineConfigMissing,
        object: key.to_string(),
        key: None,
        problem: "it does not exist, and the pool's spec.configuration.name asks for it".into(),
        fix: "let the pool be rendered again, or correct spec.configuration.name".into(),
        missing: Some(Box::new(key)),
    })
}

fn rendered_config<'p>(pool: &Pool<'p>) -> Result<&'p str, InputFault> {
    let rendered = pool.rendered();
    let fault = |reason, problem: String, fix: &str| InputFault {
        reason,
        object: format!("MachineConfigPool {}", pool.name()),
        key: Some("spec.configuration.name".into()),
        problem,
        fix: fix.into(),
        missing: None,
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

fn builder(cache: &Cache, config: &Object, builders: &Builders) -> Result<&'static dyn ImageBuilder, InputFault> {
    let builder = builder::named(builders, optional(config, BUILDER_TYPE))?;
    if cache.serves(builder.kind()) { Ok(builder) } else { Err(builder::not_served(builder, builders)) }
}

fn repository(config: &Object) -> Result<String, InputFault> {
    const KEY: &str = "finalImagePullspec";
    const FIX: &str = "set it to registry-host/repository, with or without a tag";
    let text = printable(config, KEY)?;
    pullspec::repository(text).map_err(|error| fault(FaultReason::PullspecInvalid, config, KEY, error.to_string(), FIX))
}

fn image(images: &Object, key: &str) -> Result<String, InputFault> {
    let text = printable(images, key)?;
    pullspec::check_image(text).map(|()| text.to_owned()).map_err(|error| {
        let fix = "set it to an image, by tag or by digest";
        fault(FaultReason::PullspecInvalid, images, key, error.to_string(), fix)
    })
}

fn printable<'o>(object: &'o Object, key: &str) -> Result<&'o str, InputFault> {
    let value = required(object, key)?;
    if value.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        let problem = format!("{value:?} has a line break or another control character in it");
        return Err(fault(FaultReason::ControlCharacter, object, key, problem, "remove it"));
    }
    Ok(value)
}

fn required<'o>(object: &'o Object, key: &str) -> Result<&'o str, InputFault> {
    let set_it = |problem: &str| {
        fault(FaultReason::KeyMissing, object, key, problem.into(), &format!("set it to {}", purpose_of(key)))
    };
    match value(object, key) {
        None => Err(set_it("it is missing")),
        Some(text) if text.trim().is_empty() => Err(set_it("it is empty")),
        Some(text) => Ok(text),
    }
}

/// What belongs into a key.
fn purpose_of(key: &str) -> &'static str {
    match key {
        "baseImagePullSecretName" => "the name of a Secret with the credentials to pull the base image",
        "finalImagePushSecretName" => "the name of a Secret with the credentials to push the image",
        "finalImagePullspec" => "the registry-host/repository to push to",
        "releaseVersion" => "the version of the release that the images belong to",
        _ => "an image, by tag or by digest",
    }
}

fn optional<'o>(object: &'o Object, key: &str) -> Option<&'o str> {
    value(object, key).filter(|text| !text.is_empty())
}

fn value<'o>(object: &'o Object, key: &str) -> Option<&'o str> {
    object.data.get("data")?.get(key)?.as_str()
}

fn fault(reason: FaultReason, object: &Object, key: &str, problem: String, fix: &str) -> InputFault {
    InputFault {
        reason,
        object: Key::of(Kind::ConfigMap, object).to_string(),
        key: Some(key.to_owned()),
        problem,
        fix: fix.to_owned(),
        missing: None,
    }
}

/// The fault of a Containerfile that does not fit into a ConfigMap.
pub fn containerfile_fault(request: &BuildRequest) -> Option<InputFault> {
    let own = request.custom_containerfile.as_ref()?;
    // All else in it is far smaller than half of what fits.
    if own.len() < CONFIG_MAP_BYTES_MAX / 2 {
        return None;
    }
    let bytes = names::CONTAINERFILE_KEY.len() + objects::containerfile(request).len();
    (bytes > CONFIG_MAP_BYTES_MAX).then(|| InputFault {
        reason: FaultReason::ContainerfileTooLarge,
        object: format!("ConfigMap {CUSTOM_CONTAINERFILE}"),
        key: Some(request.pool.clone()),
        problem: format!("with it the Containerfile takes {bytes} bytes, and a ConfigMap holds {CONFIG_MAP_BYTES_MAX}"),
        fix: "shorten it".into(),
        missing: None,
    })
}

/// The fault of a MachineConfig that does not fit into a ConfigMap.
pub fn payload_fault(machine_config: &Key, error: PayloadTooLarge) -> InputFault {
    InputFault {
        reason: FaultReason::PayloadTooLarge,
        object: machine_config.to_string(),
        key: None,
        problem: error.to_string(),
        fix: "move large files out of the MachineConfigs, into the base image or a registry".into(),
        missing: None,
    }
}
