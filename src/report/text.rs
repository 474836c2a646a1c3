//! Reports as text: a table, and a page for one pool.
//!
//! A message may quote the output of a build, so control characters are removed before they reach a terminal.

pub(crate) mod daemon;
mod format;
mod page;
mod table;

pub use self::daemon::daemon;
pub use self::page::{page, page_beside};
pub use self::table::Rows;
