//! The fate of a request: delivered, delayed, lost, or answered with an error.

use std::time::Duration;

use http::Method;

/// A request in transit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRequest {
    /// Its number among those of its link, from 0 on.
    pub number: usize,
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub path: String,
}

impl LinkRequest {
    /// Whether it asks for a watch.
    pub fn is_watch(&self) -> bool {
        self.path.split_once('?').is_some_and(|(_, query)| query.split('&').any(|pair| pair == "watch=true"))
    }

    /// Whether it changes anything.
    pub fn is_write(&self) -> bool {
        self.method != Method::GET
    }
}

/// The fate of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and so does its answer.
    Arrives,
    /// It arrives, after this time.
    Waits(Duration),
    /// It arrives, and its answer takes this time.
    AnswerWaits(Duration),
    /// The connection is cut before it arrives.
    Fails,
    /// It arrives, and the connection is cut before its answer comes.
    Unanswered,
    /// It does not arrive, and the connection stays open without an error.
    Vanishes,
    /// It arrives, and its answer never comes.
    AnswerVanishes,
    /// It arrives, and half of its answer comes before the connection is cut.
    Truncated,
    /// It does not arrive: something in between answers with this status, and perhaps `Retry-After`, in seconds.
    Answered(u16, Option<u64>),
    /// The process dies before it arrives.
    DiesBefore,
    /// It arrives, and the process dies before its answer comes.
    DiesAfter,
}

/// Decides the fate of each request.
pub type Script = Box<dyn FnMut(&LinkRequest) -> Fate + Send>;
