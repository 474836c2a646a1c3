//! The inputs for all pools, read and checked.

use serde_json::Value;

use super::fault::{FaultReason, InputFault};
use super::image_builder::{BUILDER_TYPE, ImageBuilder};
use super::image_ref;
use super::pull_secret::{self, PullSecret};
use crate::api::names::{self, BUILD_CONFIG, OS_IMAGE_URL};
use crate::api::{Key, Kind, Object};
use crate::reconcile::observed::cache::{Cache, Change};

/// A value that may not be known yet, or not be usable.
pub type Read<T> = Result<Option<T>, InputFault>;

/// How a value is mended that a block of YAML has left a line break at the end of.
const ON_ONE_LINE: &str = "write it on one line, in YAML after the colon instead of below a | or >";

/// What users write for all pools: the same until one of their ConfigMaps or Secrets changes.
#[derive(Clone)]
pub struct Sources {
    pub(crate) builder: ImageBuilder,
    pub(crate) repository: String,
    pub(crate) base_image: String,
    pub(crate) extensions_image: Option<String>,
    pub(crate) release_version: String,
    pub(in crate::reconcile) pull_secret: PullSecret,
    pub(in crate::reconcile) push_secret: PullSecret,
}

/// What the two ConfigMaps are read for, or have in them on every cluster.
const KNOWN_KEYS: [(&str, &[&str]); 2] = [
    (BUILD_CONFIG, &["baseImagePullSecretName", "finalImagePullspec", "finalImagePushSecretName", BUILDER_TYPE]),
    (OS_IMAGE_URL, &["baseOSContainerImage", "baseOSExtensionsContainerImage", "osImageURL", "releaseVersion"]),
];

/// The value, or an early return where it is not known yet.
macro_rules! known {
    ($read:expr) => {
        match $read? {
            Some(value) => value,
            None => return Ok(None),
        }
    };
}

pub(crate) use known;

impl Sources {
    /// Reads and checks what is known of the ConfigMaps and Secrets, and whether the cluster serves the kind of object
    /// that their builder makes.
    pub fn read(cache: &Cache) -> Read<Self> {
        let config = known!(config_map(cache, BUILD_CONFIG));
        let images = known!(config_map(cache, OS_IMAGE_URL));
        let extensions_image = match optional(images, "baseOSExtensionsContainerImage")? {
            Some(_) => Some(image(images, "baseOSExtensionsContainerImage")?),
            None => None,
        };
        Ok(Some(Self {
            builder: builder(cache, config)?,
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

/// Names of the Secrets that the build config asks for, usable ones only.
pub fn secret_names(build_config: &Object) -> Vec<String> {
    ["baseImagePullSecretName", "finalImagePushSecretName"]
        .into_iter()
        .filter_map(|key| build_config.data.pointer(&format!("/data/{key}"))?.as_str())
        .filter(|name| names::is_dns1123_subdomain(name))
        .map(str::to_owned)
        .collect()
}

/// The keys of the ConfigMaps that nothing is read from, each with the name of its ConfigMap.
pub fn unknown_keys(cache: &Cache) -> Vec<(&'static str, String)> {
    let of = |(name, known): (&'static str, &'static [&'static str])| {
        let config_map = cache.get(&Key::new(Kind::ConfigMap, name));
        let fields =
            config_map.into_iter().flat_map(|object| ["data", "binaryData"].map(|field| object.data.get(field)));
        let keys = fields.flatten().filter_map(Value::as_object).flat_map(|values| values.keys());
        keys.filter(|key| !known.contains(&key.as_str())).map(|key| (name, key.clone())).collect::<Vec<_>>()
    };
    KNOWN_KEYS.into_iter().flat_map(of).collect()
}

fn config_map<'a>(cache: &'a Cache, name: &str) -> Read<&'a Object> {
    let key = Key::new(Kind::ConfigMap, name);
    match cache.get(&key) {
        Some(object) => Ok(Some(object)),
        None if cache.is_absent(&key) => {
            Err(InputFault::missing(FaultReason::ConfigMapMissing, key, "it does not exist", "create it"))
        }
        None => Ok(None),
    }
}

fn secret(cache: &Cache, config: &Object, setting: &str) -> Read<PullSecret> {
    let name = required(config, setting)?;
    if !names::is_dns1123_subdomain(name) {
        let problem = format!("{name:?} cannot be the name of a Secret");
        let fix = if is_wrapped(name) { ON_ONE_LINE } else { "name an existing Secret" };
        return Err(fault(FaultReason::NameInvalid, config, setting, problem, fix));
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
        None if cache.is_absent(&key) => {
            let problem = format!("it does not exist, and {setting} of ConfigMap {BUILD_CONFIG} names it");
            let fix = format!("create it, or correct {setting}");
            Err(InputFault::missing(FaultReason::SecretMissing, key, problem, fix))
        }
        None => Ok(None),
    }
}

fn builder(cache: &Cache, config: &Object) -> Result<ImageBuilder, InputFault> {
    let builder = ImageBuilder::named(optional(config, BUILDER_TYPE)?)?;
    if cache.serves(builder.kind()) { Ok(builder) } else { Err(builder.not_served()) }
}

fn repository(config: &Object) -> Result<String, InputFault> {
    const KEY: &str = "finalImagePullspec";
    const FIX: &str = "set it to registry-host/repository, with or without a tag";
    let text = printable(config, KEY)?;
    image_ref::repository(text)
        .map_err(|error| fault(FaultReason::PullspecInvalid, config, KEY, error.to_string(), FIX))
}

fn image(images: &Object, key: &str) -> Result<String, InputFault> {
    let text = printable(images, key)?;
    image_ref::check_image(text).map(|()| text.to_owned()).map_err(|error| {
        let fix = "set it to an image, by tag or by digest";
        fault(FaultReason::PullspecInvalid, images, key, error.to_string(), fix)
    })
}

fn printable<'o>(object: &'o Object, key: &str) -> Result<&'o str, InputFault> {
    let value = required(object, key)?;
    if value.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        let (problem, fix) = match is_wrapped(value) {
            true => (format!("{value:?} ends with a line break"), ON_ONE_LINE),
            false => (format!("{value:?} has a line break or another control character in it"), "remove it"),
        };
        return Err(fault(FaultReason::ControlCharacter, object, key, problem, fix));
    }
    Ok(value)
}

fn required<'o>(object: &'o Object, key: &str) -> Result<&'o str, InputFault> {
    let set_it = |problem: &str| {
        fault(FaultReason::KeyMissing, object, key, problem.into(), &format!("set it to {}", purpose_of(key)))
    };
    match text(object, key)? {
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

fn optional<'o>(object: &'o Object, key: &str) -> Result<Option<&'o str>, InputFault> {
    Ok(text(object, key)?.filter(|text| !text.is_empty()))
}

/// The text under a key of a ConfigMap. That it is there as something else is not that it is not there.
pub(super) fn text<'o>(object: &'o Object, key: &str) -> Result<Option<&'o str>, InputFault> {
    let of = |field: &str| object.data.get(field).and_then(|values| values.get(key));
    match (of("data"), of("binaryData")) {
        (Some(Value::String(text)), _) => Ok(Some(text)),
        (Some(Value::Null) | None, None) => Ok(None),
        (Some(_), None) => {
            let problem = "its value is not a string".to_owned();
            Err(fault(FaultReason::ValueInvalid, object, key, problem, "put the value in quotes"))
        }
        (_, Some(_)) => {
            let problem = "it stands in binaryData, where kubectl puts text that is not UTF-8".to_owned();
            Err(fault(FaultReason::ValueInvalid, object, key, problem, "save it as UTF-8, and put it into data"))
        }
    }
}

/// Whether all that is wrong with a value is a line break at its end.
fn is_wrapped(value: &str) -> bool {
    let line = value.trim_end_matches(['\r', '\n']);
    line.len() < value.len() && !line.chars().any(char::is_control)
}

pub(super) fn fault(reason: FaultReason, object: &Object, key: &str, problem: String, fix: &str) -> InputFault {
    InputFault::new(reason, Key::of(Kind::ConfigMap, object), Some(key), problem, fix)
}
