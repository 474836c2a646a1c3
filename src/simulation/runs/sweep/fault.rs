//! The kinds of faults, and how each is injected.

use std::fmt;
use std::str::FromStr;

use crate::simulation::faults::link_control::{Fate, Script};

/// Seconds that a server which has too much to do asks to wait.
const RETRY_AFTER_S: u64 = 5;

/// A fault at one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InjectedFault {
    /// The process dies just before it.
    DiesBefore,
    /// The process dies just after it took effect.
    DiesAfter,
    /// Every process dies just after its second write took effect: the first may be an Event that its predecessor
    /// told already. There is one such run of each scenario.
    DiesAlways,
    /// The connection is cut before it arrives.
    Cut,
    /// It arrives, and its answer is lost with the connection.
    AnswerLost,
    /// It does not arrive, and the connection stays open without an error.
    Vanishes,
    /// It arrives, and its answer never comes.
    AnswerVanishes,
    /// It arrives, and half of its answer comes.
    Truncated,
    /// It is answered with a conflict.
    Conflict,
    /// It is answered with 429 and a `Retry-After`.
    Throttled,
    /// It is answered with an internal error.
    InternalError,
    /// It is answered with 503.
    Unavailable,
    /// The actor that is about to send it panics. Counted by those requests alone that actors send.
    Panics,
}

/// A name that no kind of fault has.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no kind of fault; there are {1}")]
pub struct UnknownFault(String, String);

/// Every kind, in the order of the kinds: its name, and its effect on the request.
const KINDS: [(InjectedFault, &str, Fate); 13] = [
    (InjectedFault::DiesBefore, "dies-before", Fate::DiesBefore),
    (InjectedFault::DiesAfter, "dies-after", Fate::DiesAfter),
    (InjectedFault::DiesAlways, "dies-always", Fate::DiesAfter),
    (InjectedFault::Cut, "cut", Fate::Fails),
    (InjectedFault::AnswerLost, "answer-lost", Fate::Unanswered),
    (InjectedFault::Vanishes, "vanishes", Fate::Vanishes),
    (InjectedFault::AnswerVanishes, "answer-vanishes", Fate::AnswerVanishes),
    (InjectedFault::Truncated, "truncated", Fate::Truncated),
    (InjectedFault::Conflict, "conflict", Fate::Answered(409, None)),
    (InjectedFault::Throttled, "throttled", Fate::Answered(429, Some(RETRY_AFTER_S))),
    (InjectedFault::InternalError, "internal-error", Fate::Answered(500, None)),
    (InjectedFault::Unavailable, "unavailable", Fate::Answered(503, None)),
    (InjectedFault::Panics, "panics", Fate::Arrives),
];

impl InjectedFault {
    /// Every kind.
    pub fn all() -> Vec<Self> {
        KINDS.map(|(fault, ..)| fault).into()
    }

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        KINDS[self as usize].1
    }

    const fn fate(self) -> Fate {
        KINDS[self as usize].2
    }

    /// The fate of the first process's requests, if the fault is at request number `at`.
    pub(super) fn script(self, at: usize) -> Script {
        match self {
            Self::DiesAlways => self.script_of_successor(),
            _ => Box::new(move |passing| if passing.number == at { self.fate() } else { Fate::Arrives }),
        }
    }

    /// The fate of the requests of a process that follows one that died.
    pub(super) fn script_of_successor(self) -> Script {
        let mut writes = 0;
        Box::new(move |passing| {
            writes += usize::from(passing.is_write());
            if self == Self::DiesAlways && writes == 2 { self.fate() } else { Fate::Arrives }
        })
    }
}

impl fmt::Display for InjectedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for InjectedFault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        let found = KINDS.into_iter().find(|(_, known, _)| *known == name);
        let unknown = || UnknownFault(name.to_owned(), KINDS.map(|(_, known, _)| known).join(", "));
        found.map(|(fault, ..)| fault).ok_or_else(unknown)
    }
}
