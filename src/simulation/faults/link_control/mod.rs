//! The network between one process and the API server, and everything that can go wrong on it.
//!
//! A [`Link`] carries one process's requests. Its [`Script`] says what becomes of each, and its [`EventScript`] what
//! becomes of each event of a watch; without one, all arrive.
//!
//! One thing cannot go wrong: that a read is answered with what was so a while ago. A real API server answers from a cache
//! that may lag if it is asked for any version (`resourceVersion=0`), and not otherwise; the daemon never asks for that.

mod body;
mod events;
mod fate;
mod link;
mod wire;

pub use body::LinkBody;
pub use events::{Delivery, EventScript};
pub use fate::{Fate, LinkRequest, Script};
pub use link::{FAULT, Link};
pub use wire::{LinkControl, Observer};
