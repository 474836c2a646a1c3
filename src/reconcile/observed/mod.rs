//! The observed state of the cluster.

pub mod cache;
pub mod digest;
pub mod index;
pub mod scope;
pub mod status;
