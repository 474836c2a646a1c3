//! The inputs of a build, from arguments: the objects that users of a cluster would write, with the same checks.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::api::names::{BUILD_CONFIG, CUSTOM_CONTAINERFILE, OS_IMAGE_URL, RENDERED_PREFIX};
use crate::api::{Kind, Object, names};
use crate::cli::documents::Documents;
use crate::cli::error::Error;
use crate::cli::registry_access::default_authfiles;
use crate::images::inspect::Plan;
use crate::images::registry::authfile;
use crate::reconcile::inputs::build_settings::{BuildSettings, DigestHandoff};
use crate::reconcile::inputs::fault::InputFault;

/// The name of the Secrets that stand in for files with credentials.
const NO_SECRET: &str = "local";
/// The release of an image that belongs to none.
const NO_RELEASE: &str = "local";

#[derive(Debug, clap::Args)]
pub(super) struct InputArguments {
    /// YAML or JSON file with the rendered MachineConfig; - is standard input
    #[arg(long, value_name = "FILE")]
    machine_config: PathBuf,

    /// Base OS image
    #[arg(long, value_name = "IMAGE")]
    base_image: String,

    /// Image with extensions, for --containerfile
    #[arg(long, value_name = "IMAGE")]
    extensions_image: Option<String>,

    /// File with text to append to the Containerfile
    #[arg(long, value_name = "FILE")]
    containerfile: Option<PathBuf>,

    /// Version of the release that the images belong to
    #[arg(long, value_name = "VERSION", default_value = NO_RELEASE)]
    release_version: String,

    /// Pool of the image [default: the one in the MachineConfig's name]
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,

    /// Destination, as registry-host/repository; the tag is the MachineConfig's name
    #[arg(long, value_name = "IMAGE")]
    final_image: String,
}

/// A build that can be run.
pub(super) struct Build {
    /// What a cluster would get.
    pub objects: Vec<Object>,
    pub base_image: String,
    /// The repository, without a tag.
    pub repository: String,
    /// The image, with its tag.
    pub image: String,
    labels: [(&'static str, String); 4],
    machine_config: Value,
}

impl Build {
    /// What the image will be asked to be.
    pub(super) fn plan(&self) -> Result<Plan, crate::images::inspect::Error> {
        Plan::new(self.machine_config.clone(), &self.labels)
    }
}

impl InputArguments {
    pub(super) fn read(&self) -> Result<Build, Error> {
        let file = Documents::read(std::slice::from_ref(&self.machine_config))?;
        let (name, machine_config) = file.machine_config()?;
        let pool = self.pool.clone().unwrap_or_else(|| pool_of(name).to_owned());
        if !names::is_dns1123_subdomain(&pool) {
            return Err(format!("--pool: {pool:?} cannot be the name of a pool; name one in lower case").into());
        }
        let documents = Documents::of_values(self.documents(name, machine_config, &pool)?)?;
        let explain = |fault| self.explain(name, fault);
        let request = documents.request(&documents.pool(None)?).map_err(explain)?;
        let objects = documents.objects(&request, &settings()).map_err(explain)?;
        let inputs = &request.inputs;
        let labels = [
            ("machineconfig", name.to_owned()),
            ("machineconfigpool", pool),
            ("releaseversion", inputs.release_version.clone()),
            ("baseOSContainerImage", inputs.base_image.clone()),
        ];
        Ok(Build {
            objects,
            base_image: inputs.base_image.clone(),
            repository: inputs.repository.clone(),
            image: request.image(),
            labels,
            machine_config: machine_config.clone(),
        })
    }

    /// What users of a cluster would have written.
    fn documents(&self, name: &str, machine_config: &Value, pool: &str) -> Result<Vec<Value>, Error> {
        let config_map = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data});
        let mut images = json!({"baseOSContainerImage": self.base_image, "releaseVersion": self.release_version});
        if let Some(image) = &self.extensions_image {
            images["baseOSExtensionsContainerImage"] = json!(image);
        }
        let mut documents = vec![
            machine_config.clone(),
            json!({
                "apiVersion": Kind::MachineConfigPool.api_version(), "kind": Kind::MachineConfigPool.name(),
                "metadata": {"name": pool}, "spec": {"configuration": {"name": name}},
            }),
            config_map(OS_IMAGE_URL, images),
            config_map(
                BUILD_CONFIG,
                json!({
                    "baseImagePullSecretName": NO_SECRET, "finalImagePushSecretName": NO_SECRET,
                    "finalImagePullspec": self.final_image,
                }),
            ),
        ];
        if let Some(file) = &self.containerfile {
            let text = fs::read_to_string(file).map_err(|error| {
                format!("failed to read {}: {error}; name a text file, saved as UTF-8", file.display())
            })?;
            documents.push(config_map(CUSTOM_CONTAINERFILE, json!({ pool: text })));
        }
        Ok(documents)
    }

    /// Names the argument that a fault is in.
    fn explain(&self, machine_config: &str, fault: InputFault) -> Error {
        let file = self.machine_config.display();
        let place = match fault.key.as_deref() {
            Some("finalImagePullspec") => "--final-image".to_owned(),
            Some("baseOSContainerImage") => "--base-image".to_owned(),
            Some("baseOSExtensionsContainerImage") => "--extensions-image".to_owned(),
            Some("releaseVersion") => "--release-version".to_owned(),
            _ if fault.object.name == CUSTOM_CONTAINERFILE => "--containerfile".to_owned(),
            Some(key) if fault.object.kind == Kind::MachineConfig => {
                format!("{file}: MachineConfig {machine_config}: key {key}")
            }
            _ => format!("{file}: MachineConfig {machine_config}"),
        };
        format!("{place}: {}; to fix it, {}", fault.problem, fault.fix).into()
    }
}

/// As in a cluster, but without a helper: this process itself waits for the digest.
fn settings() -> BuildSettings {
    BuildSettings { digest_handoff: DigestHandoff::TerminationMessage, ..BuildSettings::default() }
}

/// The pool in `rendered-POOL-HASH`.
fn pool_of(rendered: &str) -> &str {
    let name = rendered.strip_prefix(RENDERED_PREFIX).unwrap_or(rendered);
    name.rsplit_once('-').map_or(name, |(pool, _)| pool)
}

/// The contents of a file with credentials: of the one that is named, or of the first that has any for `image`, or of
/// the first that is there.
pub(super) fn authfile(named: Option<&PathBuf>, image: &str) -> Result<Vec<u8>, Error> {
    let read = |path: &Path| -> Result<(Vec<u8>, Value), Error> {
        let bytes = fs::read(path).map_err(|error| format!("failed to read {}: {error}", path.display()))?;
        let parsed = serde_json::from_slice(&bytes).map_err(|error| {
            format!("failed to parse {}: {error}; it has to be JSON, as `podman login` writes it", path.display())
        })?;
        Ok((bytes, parsed))
    };
    if let Some(path) = named {
        return Ok(read(path)?.0);
    }
    let known: Vec<_> = default_authfiles().map(|path| read(&path)).collect::<Result<_, _>>()?;
    let repository = repository_of(image);
    let of_use = known.iter().find(|(_, parsed)| !matches!(authfile::credentials(parsed, repository), Ok(None)));
    Ok(of_use.or(known.first()).map_or_else(|| br#"{"auths":{}}"#.to_vec(), |(bytes, _)| bytes.clone()))
}

/// An image without its tag and digest.
fn repository_of(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(pool_of("rendered-infra-gpu-0123"), "infra-gpu");
        assert_eq!(pool_of("rendered-worker"), "worker");
        for image in ["localhost:5000/a/b", "localhost:5000/a/b:1", "localhost:5000/a/b:1@sha256:0"] {
            assert_eq!(repository_of(image), "localhost:5000/a/b");
        }
    }
}
