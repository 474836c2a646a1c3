//! The network between one process and the API server, and everything that can go wrong on it.
//!
//! A [`Link`] carries one process's requests. Its [`Script`] says what becomes of each; without one, all arrive.

mod body;
mod fate;
mod link;

pub use body::LinkBody;
pub use fate::{Fate, Passing, Script};
pub use link::{Link, Wire};
