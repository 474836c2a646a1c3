//! Checks settings: it refuses everything that Kubernetes would refuse, all at once, before any build.

mod builds;
mod checker;
mod scheduling;

use self::checker::Checker;
pub use self::checker::{InvalidSetting, InvalidSettings};
use super::values::Settings;
use crate::api::limits::LABEL_NAME_BYTES_MAX;
use crate::api::names::is_dns1123_subdomain;

impl Settings {
    /// The settings themselves, if each can be used.
    ///
    /// # Errors
    /// All that cannot.
    pub fn check(self) -> Result<Self, InvalidSettings> {
        let faults = faults(&self);
        if faults.is_empty() { Ok(self) } else { Err(InvalidSettings(faults)) }
    }
}

/// All that is wrong with the settings.
fn faults(settings: &Settings) -> Vec<InvalidSetting> {
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
