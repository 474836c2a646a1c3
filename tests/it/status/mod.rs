//! `status` and `explain`: what they say of each state that a pool can be in, and what the commands do with it.

mod command;
mod ends;
mod golden;
mod leader;
mod on_the_way;
mod seen;
mod states;
mod trouble;
mod widths;
