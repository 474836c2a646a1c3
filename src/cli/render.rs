//! `render`: the inputs of a build, offline.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::build_settings::{BuildArguments, put};
use super::documents::{Documents, FileError};
use super::error::Error;
use super::stdout::print;
use crate::api::{Kind, Object};
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::objects::metadata;
use crate::{stderr, yaml};

const EXAMPLES: &str = "\
Examples:
  machine-os-builder render config/samples/*.yaml
  machine-os-builder render inputs.yaml pools.yaml --pool worker --containerfile
  oc get mcp,mc -o yaml | machine-os-builder render - inputs.yaml --pool worker";

/// Prints the objects of a pool's build, from YAML files.
///
/// The files contain the MachineConfigPool, its rendered MachineConfig, and the ConfigMaps machine-config-osimageurl,
/// on-cluster-build-config and, optionally, on-cluster-build-custom-dockerfile. They may contain the Secrets; the command
/// assumes that missing Secrets are usable.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// YAML files, each with any number of documents; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Pool to render for, if the files contain more than one
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,

    /// Print the Containerfile only
    #[arg(long, conflicts_with = "output_dir")]
    containerfile: bool,

    /// Write the Containerfile and each object to a file in this directory instead
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,

    /// Namespace of build objects [default: openshift-machine-config-operator]
    #[arg(long, value_name = "NAME", env = "NAMESPACE")]
    namespace: Option<String>,

    #[command(flatten)]
    build: BuildArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let settings = arguments.build.settings(|settings| put(arguments.namespace.as_ref(), &mut settings.namespace))?;
    let documents = Documents::read(&arguments.files)?;
    let pool = documents.pool(arguments.pool.as_deref())?;
    let request = documents.request(&pool).map_err(|fault| documents.blame(fault))?;
    let objects = documents.objects(&request, &settings.for_builds()).map_err(|fault| documents.blame(fault))?;
    let text = if let Some(directory) = &arguments.output_dir {
        let written = write_files(directory, &request, &objects)?;
        written.iter().map(|path| format!("{}\n", path.display())).collect()
    } else if arguments.containerfile {
        metadata::containerfile(&request)
    } else {
        let documents: Vec<String> = objects.iter().map(to_yaml).collect::<Result<_, _>>()?;
        documents.iter().map(|document| format!("---\n{document}")).collect()
    };
    documents.warnings().iter().for_each(|warning| stderr::line(&format!("warning: {warning}")));
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn to_yaml(object: &Object) -> Result<String, serde_json::Error> {
    Ok(yaml::print(&serde_json::to_value(object)?))
}

fn write_files(directory: &Path, request: &BuildRequest, objects: &[Object]) -> Result<Vec<PathBuf>, Error> {
    let unwritable = |path: &Path| {
        let name = path.display().to_string();
        move |error| FileError::Unwritable(name, error)
    };
    std::fs::create_dir_all(directory).map_err(unwritable(directory))?;
    let mut files = vec![(directory.join("Containerfile"), metadata::containerfile(request))];
    for object in objects {
        let kind = Kind::of(object)?.name().to_lowercase();
        let name = object.metadata.name.as_deref().unwrap_or_default();
        files.push((directory.join(format!("{kind}-{name}.yaml")), to_yaml(object)?));
    }
    for (path, text) in &files {
        std::fs::write(path, text).map_err(unwritable(path))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}
