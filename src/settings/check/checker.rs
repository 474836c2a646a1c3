//! The settings that cannot be used, as the checks collect them.

use std::fmt;
use std::time::Duration;

use crate::api::limits::POD_DEADLINE_MAX;
use crate::api::names::is_dns1123_subdomain;
use crate::settings::flags::{flag_of, variable};

/// What an object's name may be.
const NAME: &str = "a name of lower-case letters, digits, - and ., that begins and ends with a letter or a digit";

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSetting {
    /// Its field.
    pub field: String,
    /// What it is set to, fit to be shown.
    pub value: String,
    /// What would do.
    pub allowed: String,
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)?;
        if let Some(flag) = flag_of(&self.field) {
            write!(f, " (--{flag}, {})", variable(flag))?;
        }
        write!(f, ": {} cannot be used; it has to be {}", self.value, self.allowed)
    }
}

/// All settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSettings(pub Vec<InvalidSetting>);

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [fault] = &self.0[..] {
            return fault.fmt(f);
        }
        write!(f, "{} settings cannot be used:", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for InvalidSettings {}

/// What is wrong so far.
#[derive(Default)]
pub(super) struct Checker(pub Vec<InvalidSetting>);

impl Checker {
    /// Takes note of a text that cannot be used.
    pub(super) fn text(&mut self, is_good: bool, field: &str, value: &str, allowed: &str) {
        self.value(is_good, field, format!("{value:?}"), allowed);
    }

    /// Takes note of a value that cannot be used.
    pub(super) fn value(&mut self, is_good: bool, field: &str, value: impl fmt::Display, allowed: &str) {
        if !is_good {
            self.0.push(InvalidSetting { field: field.into(), value: value.to_string(), allowed: allowed.into() });
        }
    }

    /// Takes note of a deadline that pods cannot have.
    pub(super) fn deadline(&mut self, field: &str, deadline: Duration) {
        let is_good = (Duration::from_secs(1)..=POD_DEADLINE_MAX).contains(&deadline);
        self.value(is_good, field, humantime::format_duration(deadline), "from 1s to 2147483647s");
    }

    /// Takes note of what no object can be called.
    pub(super) fn name(&mut self, field: &str, name: Option<&String>) {
        let Some(name) = name else { return };
        self.text(is_dns1123_subdomain(name), field, name, NAME);
    }
}
