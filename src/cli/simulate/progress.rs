//! What users see of a simulation: a progress bar while it runs, and its result.

use std::fmt;
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::error::Error;
use crate::cli::stdout::print;
use crate::stderr;

/// A bar on standard error; where that is no terminal, it shows nothing.
pub(super) fn progress_bar(length: usize, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!("{{bar:40}} {{pos}} of {{len}} {what}"))
        .expect("the template is part of the program");
    ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::stderr()).with_style(style)
}

/// Prints the result of a simulation, and how long one took that `started` then: by a clock on the wall, which no table
/// has.
pub(super) fn conclude(
    result: &impl fmt::Display,
    is_clean: bool,
    started: Option<Instant>,
) -> Result<ExitCode, Error> {
    print(&format!("{result}\n"))?;
    if let Some(started) = started {
        stderr::line(&format!("wall time {:.3} s", started.elapsed().as_secs_f64()));
    }
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
