//! The network between one process and the API server, with every network fault that can be injected.
//!
//! A [`Link`] carries one process's requests. Its [`Script`] decides the fate of each request, and its [`EventScript`]
//! that of each watch event; without scripts, everything arrives.
//!
//! One fault is left out: stale reads. A real API server answers from a cache that may lag only if the client asks for
//! any version (`resourceVersion=0`), and the daemon never does.

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
