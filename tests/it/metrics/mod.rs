//! The daemon's metrics, as a scraper sees them.

mod actors;
mod builds;
mod durations;
mod names;
mod once;
mod requests;
mod scrape;
