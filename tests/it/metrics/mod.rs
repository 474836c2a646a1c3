//! What the daemon counts and measures, as whoever scrapes it sees it.

mod actors;
mod builds;
mod durations;
mod names;
mod once;
mod requests;
mod scrape;
