//! Rates and shares.

use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Deserializer, de};

/// How often something happens, on average; by default, never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Every(Option<Duration>);

impl Every {
    /// Something that happens so often.
    pub const fn of(seconds: u64) -> Self {
        Self(Some(Duration::from_secs(seconds)))
    }

    /// The time until it happens next; `None` if it never does.
    pub fn next(self, random: &mut ChaCha8Rng) -> Option<Duration> {
        self.0.map(|mean| mean.mul_f64(random.random_range(0.1..1.9)))
    }
}

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mean = duration(deserializer)?;
        if mean.is_zero() {
            return Err(de::Error::custom("has to be longer than 0s; leave it out for what does not happen"));
        }
        Ok(Self(Some(mean)))
    }
}

/// A share of all, from 0 to 1; by default, none.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// So many of all.
    ///
    /// # Panics
    /// If it is not from 0 to 1.
    pub const fn of(share: f64) -> Self {
        assert!(share >= 0.0 && share <= 1.0, "a share is from 0 to 1");
        Self(share)
    }

    /// The share, from 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        if !(0.0..=1.0).contains(&share) {
            return Err(de::Error::custom(format!("{share} is no share: it has to be from 0 to 1")));
        }
        Ok(Self(share))
    }
}

/// A time such as `90s` or `2h`.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|error| de::Error::custom(format!("{text:?} is no time ({error})")))
}
