//! The settings: where each comes from, where it goes, and what is refused.

mod arrive;
mod daemons;
mod documents;
mod precedence;
mod program;
mod refuse;
