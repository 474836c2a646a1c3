//! `build`: one image, on this machine, without a cluster.

mod destination;
mod inputs;

use std::path::PathBuf;
use std::process::ExitCode;

use super::Error;
use super::registry_access::RegistryArguments;
use super::stdout::print;
use crate::image::{self, Location};
use crate::inspect::Plan;
use crate::local_build::{self, Recipe};
use crate::stderr;
use destination::Destination;

/// Builds the image of a MachineConfig on this machine, as the cluster would.
///
/// What a build pod would run is run here, with the buildah of this machine: the same scripts, the same Containerfile.
/// The digest of the image is all that is printed to standard output; progress goes to standard error. Wherever
/// buildah builds without root, so does this; an image that buildah has already is not pulled again. STORAGE_DRIVER
/// and BUILDAH_ISOLATION are those of a build pod (vfs and chroot) unless they are set.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    inputs: inputs::InputArguments,

    /// A file with credentials to pull and push with [default: those of podman, buildah and docker]
    #[arg(long, value_name = "FILE")]
    authfile: Option<PathBuf>,

    /// A file with credentials to pull with [default: as --authfile]
    #[arg(long, value_name = "FILE")]
    pull_authfile: Option<PathBuf>,

    /// A file with credentials to push with [default: as --authfile]
    #[arg(long, value_name = "FILE")]
    push_authfile: Option<PathBuf>,

    /// Push nothing; write the image to --output
    #[arg(long, requires = "output")]
    no_push: bool,

    /// The file to write the image to, as an OCI archive
    #[arg(long, value_name = "FILE", requires = "no_push")]
    output: Option<PathBuf>,

    /// Compare the image with the MachineConfig afterwards, as `inspect` does; what differs goes to standard error
    #[arg(long)]
    verify: bool,
}

/// What a shell adds to the number of a signal.
const ENDED_BY_SIGNAL: i32 = 128;

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let build = arguments.inputs.read()?;
    let destination = Destination::new(&build.image, arguments.output.as_deref())?;
    let pull = arguments.pull_authfile.as_ref().or(arguments.authfile.as_ref());
    let push = arguments.push_authfile.as_ref().or(arguments.authfile.as_ref());
    let pull_auth = inputs::authfile(pull, &build.base_image)?;
    let push_auth = inputs::authfile(push, &build.image)?;
    let recipe = Recipe::of(&build.objects, pull_auth, push_auth).ok_or("failed to find the build pod's command")?;
    // What cannot be compared afterwards had better be known before.
    let plan = arguments.verify.then(|| build.plan()).transpose()?;
    let digest = match local_build::run(&recipe, destination.argument()) {
        Err(local_build::Error::Interrupted(signal)) => {
            super::print_error(&local_build::Error::Interrupted(signal).into());
            return Ok(ExitCode::from(u8::try_from(ENDED_BY_SIGNAL + signal).unwrap_or(u8::MAX)));
        }
        digest => digest?,
    };
    let location = destination.finish(&build.repository, digest.as_str())?;
    print(&format!("{digest}\n"))?;
    let Some(plan) = plan else { return Ok(ExitCode::SUCCESS) };
    verify(&plan, &location, push.cloned())
}

fn verify(plan: &Plan, location: &str, authfile: Option<PathBuf>) -> Result<ExitCode, Error> {
    let parsed: Location = location.parse().map_err(image::Error::from)?;
    let access = RegistryArguments { authfile, ..RegistryArguments::default() }.access(&parsed)?;
    let report = plan.compare(location, &image::read(&parsed, &access, &plan.keep())?);
    stderr::line(report.to_string().trim_end());
    Ok(if report.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
