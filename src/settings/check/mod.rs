//! Checks settings: it refuses everything that Kubernetes would refuse, all at once, before any build.

mod builds;
mod scheduling;

use std::fmt;
use std::time::Duration;

use super::{Settings, flag_of, variable};
use crate::api::limits::{LABEL_NAME_BYTES_MAX, POD_DEADLINE_MAX};
use crate::api::names::is_dns1123_subdomain;

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
struct Checker(Vec<InvalidSetting>);

impl Checker {
    /// Takes note of a text that cannot be used.
    fn text(&mut self, is_good: bool, field: &str, value: &str, allowed: &str) {
        self.value(is_good, field, format!("{value:?}"), allowed);
    }

    /// Takes note of a value that cannot be used.
    fn value(&mut self, is_good: bool, field: &str, value: impl fmt::Display, allowed: &str) {
        if !is_good {
            self.0.push(InvalidSetting { field: field.into(), value: value.to_string(), allowed: allowed.into() });
        }
    }

    /// Takes note of a deadline that pods cannot have.
    fn deadline(&mut self, field: &str, deadline: Duration) {
        let is_good = (Duration::from_secs(1)..=POD_DEADLINE_MAX).contains(&deadline);
        self.value(is_good, field, humantime::format_duration(deadline), "from 1s to 2147483647s");
    }

    /// Takes note of what no object can be called.
    fn name(&mut self, field: &str, name: Option<&String>) {
        let Some(name) = name else { return };
        self.text(is_dns1123_subdomain(name), field, name, NAME);
    }
}

/// All that is wrong with the settings.
pub(super) fn faults(settings: &Settings) -> Vec<InvalidSetting> {
    let mut checker = Checker::default();
    let namespace = &settings.namespace;
    let is_label =
        is_dns1123_subdomain(namespace) && !namespace.contains('.') && namespace.len() <= LABEL_NAME_BYTES_MAX;
    checker.text(
        is_label,
        "namespace",
        namespace,
        "the name of a namespace: at most 63 lower-case letters, digits and -, that begins and ends with a letter or a \
         digit",
    );
    checker.value(settings.max_attempts > 0, "maxAttempts", settings.max_attempts, "at least 1");
    checker.deadline("pendingDeadline", settings.pending_deadline);
    checker.deadline("buildDeadline", settings.build_deadline);
    leader_election(&mut checker, settings);
    builds::check(&mut checker, &settings.build);
    scheduling::check(&mut checker, &settings.build);
    checker.0
}

fn leader_election(checker: &mut Checker, settings: &Settings) {
    let election = &settings.leader_election;
    let [lease, renew, retry] = [election.lease_duration, election.renew_deadline, election.retry_period]
        .map(|duration| humantime::format_duration(duration).to_string());
    let field = |name: &str| format!("leaderElection.{name}");
    checker.value(!election.retry_period.is_zero(), &field("retryPeriod"), &retry, "longer than 0s");
    let allowed = format!("longer than retryPeriod, which is {retry}");
    checker.value(election.renew_deadline > election.retry_period, &field("renewDeadline"), &renew, &allowed);
    let allowed = format!("longer than renewDeadline, which is {renew}");
    checker.value(election.lease_duration > election.renew_deadline, &field("leaseDuration"), &lease, &allowed);
}
