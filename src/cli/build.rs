//! `build`: one image, on this machine, without a cluster.

mod destination;
mod inputs;

use std::path::PathBuf;
use std::process::ExitCode;

use super::error::{Error, print_error};
use super::registry_access::RegistryArguments;
use super::stdout::print;
use super::stop::ENDED_BY_SIGNAL;
use crate::images::build::{self, Recipe};
use crate::images::inspect::Plan;
use crate::stderr;
use destination::Destination;

/// Builds the image of a MachineConfig on this machine, as the cluster would.
///
/// The command runs what a build pod runs, with the buildah of this machine: the same scripts, the same Containerfile.
/// Standard output gets the digest of the image and nothing else; progress goes to standard error. The command needs no
/// root where buildah needs none. It does not pull an image again that buildah has already. STORAGE_DRIVER and
/// BUILDAH_ISOLATION default to those of a build pod (vfs and chroot).
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    inputs: inputs::InputArguments,

    /// File with credentials to pull and push [default: those of podman, buildah and docker]
    #[arg(long, value_name = "FILE")]
    authfile: Option<PathBuf>,

    /// File with credentials to pull [default: as --authfile]
    #[arg(long, value_name = "FILE")]
    pull_authfile: Option<PathBuf>,

    /// File with credentials to push [default: as --authfile]
    #[arg(long, value_name = "FILE")]
    push_authfile: Option<PathBuf>,

    /// Do not push; write the image to --output
    #[arg(long, requires = "output")]
    no_push: bool,

    /// File for the image, as an OCI archive
    #[arg(long, value_name = "FILE", requires = "no_push")]
    output: Option<PathBuf>,

    /// Compare the image with the MachineConfig afterwards, as `inspect` does; differences go to standard error
    #[arg(long)]
    verify: bool,
}

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
    let digest = match build::run(&recipe, destination.argument()) {
        Err(build::Error::Interrupted(signal)) => {
            print_error(&build::Error::Interrupted(signal).into());
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
    let report = RegistryArguments { authfile, ..RegistryArguments::default() }.compare(plan, location)?;
    stderr::line(report.to_string().trim_end());
    Ok(if report.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
