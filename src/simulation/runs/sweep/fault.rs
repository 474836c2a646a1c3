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

impl InjectedFault {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::DiesBefore,
        Self::DiesAfter,
        Self::DiesAlways,
        Self::Cut,
        Self::AnswerLost,
        Self::Vanishes,
        Self::AnswerVanishes,
        Self::Truncated,
        Self::Conflict,
        Self::Throttled,
        Self::InternalError,
        Self::Unavailable,
        Self::Panics,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        self.parts().0
    }

    /// Its name, and its effect on the request.
    const fn parts(self) -> (&'static str, Fate) {
        match self {
            Self::DiesBefore => ("dies-before", Fate::DiesBefore),
            Self::DiesAfter => ("dies-after", Fate::DiesAfter),
            Self::DiesAlways => ("dies-always", Fate::DiesAfter),
            Self::Cut => ("cut", Fate::Fails),
            Self::AnswerLost => ("answer-lost", Fate::Unanswered),
            Self::Vanishes => ("vanishes", Fate::Vanishes),
            Self::AnswerVanishes => ("answer-vanishes", Fate::AnswerVanishes),
            Self::Truncated => ("truncated", Fate::Truncated),
            Self::Conflict => ("conflict", Fate::Answered(409, None)),
            Self::Throttled => ("throttled", Fate::Answered(429, Some(RETRY_AFTER_S))),
            Self::InternalError => ("internal-error", Fate::Answered(500, None)),
            Self::Unavailable => ("unavailable", Fate::Answered(503, None)),
            Self::Panics => ("panics", Fate::Arrives),
        }
    }

    /// The fate of the first process's requests, if the fault is at request number `at`.
    pub(super) fn script(self, at: usize) -> Script {
        match self {
            Self::DiesAlways => self.script_of_successor(),
            _ => Box::new(move |passing| if passing.number == at { self.parts().1 } else { Fate::Arrives }),
        }
    }

    /// The fate of the requests of a process that follows one that died.
    pub(super) fn script_of_successor(self) -> Script {
        let mut writes = 0;
        Box::new(move |passing| {
            writes += usize::from(passing.is_write());
            if self == Self::DiesAlways && writes == 2 { self.parts().1 } else { Fate::Arrives }
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
        Self::ALL
            .into_iter()
            .find(|fault| fault.name() == name)
            .ok_or_else(|| UnknownFault(name.to_owned(), Self::ALL.map(Self::name).join(", ")))
    }
}
