//! Fixtures for several topics: a cluster in this process, and processes of the program side by side.

pub(crate) mod cluster;
pub(crate) mod daemon;
pub(crate) mod processes;
pub(crate) mod written;
