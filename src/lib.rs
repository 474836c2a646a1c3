//! x
pub mod actors;
pub mod api;
pub mod apiserver;
pub mod builders;
pub mod clock;
pub mod cluster;
pub mod daemon;
pub mod jitter;
pub mod plan;
