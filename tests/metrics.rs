//! What the daemon counts and measures, as whoever scrapes it sees it.

mod common;

#[path = "metrics/actors.rs"]
mod actors;
#[path = "metrics/builds.rs"]
mod builds;
#[path = "metrics/durations.rs"]
mod durations;
#[path = "metrics/names.rs"]
mod names;
#[path = "metrics/once.rs"]
mod once;
#[path = "metrics/requests.rs"]
mod requests;
#[path = "metrics/scrape.rs"]
mod scrape;
