//! x
pub mod api;
pub mod apiserver;
pub mod clock;
pub mod plan;
