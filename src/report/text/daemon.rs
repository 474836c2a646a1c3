//! A line on the daemon itself.

use jiff::Timestamp;

use super::format::{age, one_line, shorten_middle};
use crate::report::daemon::{DaemonReport, DaemonState, Leadership};

/// The shortest that a name is cut to, however narrow the terminal.
const NAME_MIN: usize = 12;

/// Which process leads, and how it is, for a terminal of this width.
pub fn daemon(report: &DaemonReport, now: Timestamp, terminal: Option<usize>) -> String {
    let told = |renewed: &Option<Timestamp>| renewed.map(|at| format!(" {} ago", age(at, now))).unwrap_or_default();
    let line = match &report.leadership {
        Leadership::Unreadable => {
            "not known: its lease may not be read with these credentials; default settings are assumed".to_owned()
        }
        Leadership::NoLease => {
            "not known: there is no lease machine-os-builder; default settings are assumed".to_owned()
        }
        Leadership::Released(released) => format!("none leads; the lease was released{}", told(released)),
        Leadership::Held { by, renewed, .. } if report.is_at_work(now) == Some(true) => {
            let rest = format!(" leads, renewed{}{}", told(renewed), details(report));
            format!("{}{rest}", name(by, "Daemon: ".len() + rest.chars().count(), terminal))
        }
        Leadership::Held { by, renewed, .. } => {
            let start = format!("none leads; the lease was last renewed{} by ", told(renewed));
            format!("{start}{}", name(by, "Daemon: ".len() + start.chars().count(), terminal))
        }
    };
    format!("{}\n", one_line(&format!("Daemon: {line}"), terminal.unwrap_or(usize::MAX)))
}

/// A name where so many other characters are on the line.
fn name(name: &str, others: usize, terminal: Option<usize>) -> String {
    let name = one_line(name, usize::MAX);
    match terminal {
        Some(width) => shorten_middle(&name, width.saturating_sub(others).max(NAME_MIN)),
        None => name,
    }
}

fn details(report: &DaemonReport) -> String {
    let Some(settings) = &report.settings else { return String::new() };
    let state = report.state.as_ref();
    let slots = state.map(|state| match settings.max_concurrent_builds {
        0 => format!(", {} builds", state.building),
        slots => format!(", {} of {slots} slots taken", state.building),
    });
    let waiting = state.filter(|state| state.waiting > 0).map(|state| format!(", {} wait", state.waiting));
    let trouble = state.filter(|state| !state.ready).map(trouble);
    let version = format!(", version {}", settings.version);
    [trouble, slots, waiting, Some(version)].into_iter().flatten().collect()
}

/// Why it is not ready.
fn trouble(state: &DaemonState) -> String {
    match state.stale_watches.as_slice() {
        [] => ", not ready".to_owned(),
        watches => format!(", not ready (stale watches: {})", one_line(&watches.join(", "), usize::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::reconcile::decide::DecideSettings;
    use crate::reconcile::inputs::build_settings::DigestHandoff;
    use crate::report::daemon::DaemonSettings;

    const NAME: &str = "machine-os-builder-controller-7d4b9c8f6d-x2x4z_1_1767225600000";

    fn now() -> Timestamp {
        "2026-01-01T00:10:00Z".parse().unwrap()
    }

    fn held(seconds: i64, state: DaemonState) -> DaemonReport {
        let renewed = Some(now() - Duration::from_secs(seconds.unsigned_abs()));
        DaemonReport {
            leadership: Leadership::Held { by: NAME.to_owned(), renewed, duration: Duration::from_secs(15) },
            settings: Some(DaemonSettings::of(&DecideSettings::default(), DigestHandoff::ConfigMap)),
            state: Some(state),
        }
    }

    #[test]
    fn a_leader_is_named_with_its_slots() {
        let state = DaemonState { ready: true, building: 1, waiting: 2, ..DaemonState::default() };
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            daemon(&held(2, state.clone()), now(), None),
            format!("Daemon: {NAME} leads, renewed 2s ago, 1 of 5 slots taken, 2 wait, version {version}\n")
        );
        let line = daemon(&held(2, state), now(), Some(80));
        assert!(line.trim_end().chars().count() <= 80 && line.contains('…'), "{line}");
        let blind = DaemonState { stale_watches: vec!["pods".to_owned()], ..DaemonState::default() };
        assert!(daemon(&held(2, blind), now(), None).contains(", not ready (stale watches: pods), 0 of 5"));
    }

    #[test]
    fn that_none_leads_is_told_with_when_one_did() {
        let gone = daemon(&held(300, DaemonState::default()), now(), None);
        assert_eq!(gone, format!("Daemon: none leads; the lease was last renewed 5m ago by {NAME}\n"));
        let released = DaemonReport {
            leadership: Leadership::Released(Some(now() - Duration::from_secs(30))),
            ..DaemonReport::of(None)
        };
        assert_eq!(daemon(&released, now(), None), "Daemon: none leads; the lease was released 30s ago\n");
        assert!(daemon(&DaemonReport::of(None), now(), None).starts_with("Daemon: not known: there is no lease"));
        assert!(daemon(&DaemonReport::unreadable(), now(), None).contains("may not be read with these credentials"));
        for report in [DaemonReport::of(None), DaemonReport::unreadable(), held(300, DaemonState::default())] {
            assert!(daemon(&report, now(), Some(80)).trim_end().chars().count() <= 80);
        }
    }
}
