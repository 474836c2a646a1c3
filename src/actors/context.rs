//! What all actors of one daemon share.

use std::sync::Arc;

use super::meter::Meter;
use crate::builders::BuildSettings;
use crate::clock::Clock;
use crate::cluster::door::Door;
use crate::jitter::Jitter;
use crate::plan::decide;

/// The settings of a daemon.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What decisions depend on.
    pub decide: decide::Settings,
    /// What build objects are made with.
    pub build: BuildSettings,
}

/// What all actors of one daemon share.
#[derive(Clone)]
pub struct Context {
    /// The way to the API server.
    pub door: Door,
    /// The settings.
    pub settings: Arc<Settings>,
    /// The time.
    pub clock: Clock,
    /// Jitter for waits.
    pub jitter: Jitter,
    /// Counts what becomes of builds and actors.
    pub meter: Meter,
}
