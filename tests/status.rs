//! `status` and `explain`: what they say of each state that a pool can be in, and what the commands do with it.

mod common;
mod processes;

#[path = "status/command.rs"]
mod command;
#[path = "run/daemon.rs"]
#[allow(dead_code)] // It is for others too.
mod daemon;
#[path = "status/ends.rs"]
mod ends;
#[path = "status/golden.rs"]
mod golden;
#[path = "status/leader.rs"]
mod leader;
#[path = "status/on_the_way.rs"]
mod on_the_way;
#[path = "status/seen.rs"]
mod seen;
#[path = "status/states.rs"]
mod states;
#[path = "status/trouble.rs"]
mod trouble;
#[path = "status/widths.rs"]
mod widths;
