//! Updates a pool's conditions: changes only this daemon's entries, and keeps all others.

use jiff::{Timestamp, Unit};
use serde_json::{Map, Value, json};

use crate::api::conditions::{BUILD_CONDITIONS, DEGRADED, reason};
use crate::api::limits::CONDITION_MESSAGE_BYTES_MAX;
use crate::api::pool::field;

/// The build condition to show as True; the other three are shown as False.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionUpdate {
    /// The condition's type: one of the four.
    pub type_: &'static str,
    /// Its reason.
    pub reason: String,
    /// Its message.
    pub message: String,
}

/// What is to be done about `Degraded`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Degraded {
    /// It stays as it is.
    Keep,
    /// It becomes True, with the message of what is shown.
    Raise,
    /// It becomes False, if it is True because of a build.
    Clear,
}

/// `conditions` with `shown` True and the other three False.
pub fn show(conditions: &[Value], shown: &ConditionUpdate, degraded: Degraded, now: Timestamp) -> Vec<Value> {
    let mut conditions = conditions.to_vec();
    let message = bounded_message(&shown.message);
    for type_ in BUILD_CONDITIONS {
        if type_ == shown.type_ {
            upsert(&mut conditions, type_, "True", Some((&shown.reason, &message)), now);
        } else {
            upsert(&mut conditions, type_, "False", None, now);
        }
    }
    match degraded {
        Degraded::Keep => {}
        Degraded::Raise => {
            upsert(&mut conditions, DEGRADED, "True", Some((reason::BUILD_FAILED, &message)), now);
        }
        Degraded::Clear => clear_degraded(&mut conditions, now),
    }
    conditions
}

/// `conditions` without the four, and not degraded by a build.
pub fn withdraw(conditions: &[Value], now: Timestamp) -> Vec<Value> {
    let mut conditions = conditions.to_vec();
    conditions.retain(|condition| !BUILD_CONDITIONS.contains(&field(condition, "type")));
    clear_degraded(&mut conditions, now);
    conditions
}

/// `time` as Kubernetes writes it: UTC, in whole seconds.
pub fn to_rfc3339(time: Timestamp) -> String {
    time.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Trunc))
        .unwrap_or(time)
        .to_string()
}

fn clear_degraded(conditions: &mut Vec<Value>, now: Timestamp) {
    let is_ours = |c: &Value| field(c, "type") == DEGRADED && field(c, "reason") == reason::BUILD_FAILED;
    if conditions.iter().any(|condition| is_ours(condition) && field(condition, "status") == "True") {
        upsert(conditions, DEGRADED, "False", Some(("", "")), now);
    }
}

/// Sets one condition in place. Without `text`, reason and message are dropped when the status changes, and
/// left alone otherwise: a False condition says nothing worth a write.
fn upsert(conditions: &mut Vec<Value>, type_: &str, status: &str, text: Option<(&str, &str)>, now: Timestamp) {
    let position = conditions.iter().position(|condition| field(condition, "type") == type_);
    let position = position.unwrap_or_else(|| {
        conditions.push(json!({ "type": type_ }));
        conditions.len() - 1
    });
    let Value::Object(condition) = &mut conditions[position] else { return };
    let is_change = condition.get("status").and_then(Value::as_str) != Some(status);
    if is_change {
        condition.insert("status".into(), status.into());
        condition.insert("lastTransitionTime".into(), to_rfc3339(now).into());
    }
    if let Some((reason, message)) = text.or(is_change.then_some(("", ""))) {
        set_text(condition, reason, message);
    }
}

fn set_text(condition: &mut Map<String, Value>, reason: &str, message: &str) {
    condition.insert("reason".into(), reason.into());
    condition.insert("message".into(), message.into());
}

/// `message`, cut to what a condition may hold.
pub fn bounded_message(message: &str) -> String {
    cut(message, CONDITION_MESSAGE_BYTES_MAX)
}

/// `text`, cut to at most `max` bytes.
pub(in crate::reconcile) fn cut(text: &str, max: usize) -> String {
    const ELLIPSIS: &str = "…";
    if text.len() <= max {
        return text.to_owned();
    }
    format!("{}{ELLIPSIS}", &text[..text.floor_char_boundary(max.saturating_sub(ELLIPSIS.len()))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::conditions::{BUILD_FAILED, BUILD_PENDING, BUILD_SUCCESS};

    fn now() -> Timestamp {
        "2026-01-02T03:04:05.678Z".parse().unwrap()
    }

    fn shown(type_: &'static str) -> ConditionUpdate {
        ConditionUpdate { type_, reason: "Reason".into(), message: "message".into() }
    }

    fn true_ones(conditions: &[Value]) -> Vec<&str> {
        conditions.iter().filter(|c| field(c, "status") == "True").map(|c| field(c, "type")).collect()
    }

    #[test]
    fn l11_exactly_one_of_the_four_is_true() {
        let mut conditions = Vec::new();
        for type_ in BUILD_CONDITIONS {
            conditions = show(&conditions, &shown(type_), Degraded::Keep, now());
            assert_eq!(true_ones(&conditions), [type_]);
            assert_eq!(conditions.len(), 4);
        }
    }

    #[test]
    fn l16_other_conditions_and_unknown_fields_stay() {
        let before = vec![
            json!({"type": "Updated", "status": "True", "observedGeneration": 4}),
            json!({"type": BUILD_SUCCESS, "status": "False", "reason": "x", "extra": "kept"}),
        ];
        let after = show(&before, &shown(BUILD_SUCCESS), Degraded::Clear, now());
        assert_eq!(after[0], before[0]);
        assert_eq!(after[1]["extra"], "kept");
        assert_eq!(withdraw(&after, now()), before[..1]);
    }

    #[test]
    fn the_time_of_a_transition_changes_with_the_status_alone() {
        let first = show(&[], &shown(BUILD_PENDING), Degraded::Keep, now());
        let later = now() + jiff::SignedDuration::from_secs(60);
        assert_eq!(show(&first, &shown(BUILD_PENDING), Degraded::Keep, later), first);
        let reworded = ConditionUpdate { reason: "Other".into(), ..shown(BUILD_PENDING) };
        let second = show(&first, &reworded, Degraded::Keep, later);
        assert_eq!(second[0]["lastTransitionTime"], "2026-01-02T03:04:05Z");
        assert_eq!(second[0]["reason"], "Other");
    }

    #[test]
    fn degraded_is_cleared_only_where_a_build_raised_it() {
        let raised = show(&[], &shown(BUILD_FAILED), Degraded::Raise, now());
        assert_eq!(true_ones(&raised), [BUILD_FAILED, DEGRADED]);
        assert_eq!(true_ones(&show(&raised, &shown(BUILD_PENDING), Degraded::Clear, now())), [BUILD_PENDING]);
        let foreign = vec![json!({"type": DEGRADED, "status": "True", "reason": "NodesSick"})];
        assert_eq!(withdraw(&foreign, now()), foreign);
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        assert_eq!(bounded_message("short"), "short");
        let cut = bounded_message(&"ü".repeat(600));
        assert!(cut.len() <= CONDITION_MESSAGE_BYTES_MAX && cut.ends_with('…'));
    }
}
