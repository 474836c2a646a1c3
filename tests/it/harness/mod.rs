//! Fixtures for several topics: a cluster in this process, and processes of the program side by side.

pub mod cluster;
pub mod daemon;
pub mod processes;
pub mod written;
