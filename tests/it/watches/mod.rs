//! Watches that fail or go blind, and bodies that never end: the daemon notices, reports and recovers.

mod bodies;
mod history;
mod line;
mod optional;
mod refusals;
mod silence;
