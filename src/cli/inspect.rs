//! `inspect`: whether an image is what its MachineConfig asks for.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::documents::Documents;
use super::error::{Error, print_error};
use super::registry_access::RegistryArguments;
use super::stdout::print;
use crate::api::{Key, Kind};
use crate::images::inspect::{Plan, Report};
use crate::reconcile::objects::payload;

/// Compares an image with the MachineConfig that it was built from.
///
/// The command looks every file, directory, link, unit, drop-in, mask and preset of the Ignition config up in the
/// layers of the image, and compares contents, mode and owner. It also compares the MachineConfig that the image carries,
/// and its labels. It reports contents by length and SHA-256. The exit status is 0 if nothing differs, 1 if something
/// differs, and 2 if the image cannot be read.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Image: registry-host/repository:tag, registry-host/repository@sha256:digest, oci-archive:FILE or oci:DIRECTORY
    #[arg(value_name = "IMAGE")]
    image: String,

    /// YAML or JSON file with the rendered MachineConfig; - is standard input
    #[arg(long, value_name = "FILE")]
    machine_config: PathBuf,

    /// Output format
    #[arg(short, long, value_name = "HOW", value_enum, default_value_t = Output::Text)]
    output: Output,

    #[command(flatten)]
    registry: RegistryArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// One line per difference, and a summary
    Text,
    /// One JSON object
    Json,
}

/// The exit status where nothing can be told, as that of diff(1).
const IN_TROUBLE: u8 = 2;

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let report = match compare(arguments) {
        Ok(report) => report,
        Err(error) => {
            print_error(&error);
            return Ok(ExitCode::from(IN_TROUBLE));
        }
    };
    print(&match arguments.output {
        Output::Text => report.to_string(),
        Output::Json => format!("{}\n", serde_json::to_string_pretty(&report)?),
    })?;
    Ok(if report.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn compare(arguments: &Arguments) -> Result<Report, Error> {
    let documents = Documents::read(std::slice::from_ref(&arguments.machine_config))?;
    let (name, machine_config) = documents.machine_config()?;
    let key = Key::new(Kind::MachineConfig, name);
    payload::check(&key, machine_config).map_err(|fault| documents.blame(fault))?;
    let plan = Plan::new(machine_config.clone(), &[]).map_err(|error| documents.machine_config_error(name, error))?;
    arguments.registry.compare(&plan, &arguments.image)
}
