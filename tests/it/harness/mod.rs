//! What tests of several topics need: a cluster in this process, and processes of the program beside each other.

pub mod cluster;
pub mod daemon;
pub mod processes;
pub mod written;
