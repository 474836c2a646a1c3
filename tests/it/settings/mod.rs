//! Settings: their sources, their effects, and refusals.

mod arrive;
mod daemons;
mod documents;
mod precedence;
mod program;
mod refuse;
