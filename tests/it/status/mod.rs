//! `status` and `explain`: their output for each state of a pool, and how the commands use it.

mod command;
mod ends;
mod golden;
mod leader;
mod on_the_way;
mod seen;
mod states;
mod trouble;
mod widths;
