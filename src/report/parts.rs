//! The parts of a report: the built and the wanted inputs, attempts, build objects, blocking conditions.

use jiff::Timestamp;
use serde_json::Value;

use super::state::{self, DryRunResult, PoolPhase};
use super::{AttemptReport, Blocker, BuildReport, Condition, InputFaultReport, InputField, PoolReport, next};
use crate::api::conditions::reason;
use crate::api::pool::field;
use crate::api::{Pool, keys};
use crate::reconcile::decide::Inputs;
use crate::reconcile::decide::observed::{BuildObject, Observed};
use crate::reconcile::inputs::build_inputs::BuildInputs;
use crate::reconcile::inputs::request::Wanted;
use crate::reconcile::observed::status::BuildStatus;
use crate::reconcile::slots::Demand;

/// The report on the pool that `view` shows.
pub(super) fn report(view: &Inputs<'_>, outcome: &DryRunResult<'_>) -> PoolReport {
    let now = Observed::of(view);
    let then_view = Inputs { cache: outcome.cache, ..*view };
    let then = Observed::of(&then_view);
    let state = state::of(&now, &then, outcome);
    let pool = now.pool.as_ref();
    // Of others, nothing is wanted.
    let is_served = pool.filter(|pool| pool.is_opted_in() && !pool.rendered().is_empty());
    let shown = pool.and_then(|pool| pool.shown());
    let text = |name: &str| shown.map(|shown| field(shown, name).to_owned());
    PoolReport {
        name: view.pool.to_owned(),
        state,
        since: since(&now, &then, state, outcome),
        condition: shown
            .map(|c| Condition { type_: field(c, "type").to_owned(), reason: field(c, "reason").to_owned() }),
        message: text("message"),
        image: pool.and_then(|pool| pool.annotation(keys::NEWEST_IMAGE)).map(str::to_owned),
        config: pool.map(|pool| pool.rendered().to_owned()).filter(|rendered| !rendered.is_empty()),
        inputs: is_served.map(|pool| inputs(&now, &then, pool)).unwrap_or_default(),
        input_fault: match &now.wanted {
            Wanted::Faulty(fault) if is_served.is_some() => Some(InputFaultReport {
                reason: fault.reason.as_str().to_owned(),
                message: now.scrubbed(&fault.to_string()),
            }),
            _ => None,
        },
        attempt: attempt(&now, state).filter(|_| state == PoolPhase::Publishing || then.record.attempt.is_some()),
        builds: now.builds.iter().map(|build| build_report(&then, *build)).collect(),
        blocked_by: pool.and_then(blocker),
        queue: None,
        next: next::next(&now, outcome, state),
        command: next::command(&now, state),
        notes: Vec::new(),
    }
}

/// Since when the pool is in this state. A condition tells of all that happens before its status changes.
fn since(now: &Observed<'_>, then: &Observed<'_>, state: PoolPhase, outcome: &DryRunResult<'_>) -> Option<Timestamp> {
    let pool = now.pool.as_ref()?;
    let attempt = now.record.attempt.as_ref();
    match state {
        PoolPhase::Queued => match outcome.demand {
            // Else it begins to wait with this very look.
            Demand::Wait(since) if pool.shown().is_some_and(|c| field(c, "reason") == reason::BUILD_QUEUED) => {
                Some(since)
            }
            Demand::Wait(_) | Demand::None | Demand::Hold => None,
        },
        PoolPhase::Starting | PoolPhase::Pending => Some(attempt?.started),
        PoolPhase::Retrying => Some(attempt?.lost.as_ref()?.at),
        PoolPhase::Blocked => transition(pool.condition(pool.blocked_by()?)?),
        PoolPhase::NotOptedIn | PoolPhase::NotRendered | PoolPhase::OptingOut | PoolPhase::Unknown => None,
        PoolPhase::Deleting => Some(pool.object.metadata.deletion_timestamp.as_ref()?.0),
        _ => {
            let shown = pool.shown()?;
            let is_so =
                then.pool.and_then(|pool| pool.shown()).is_some_and(|c| field(c, "type") == field(shown, "type"));
            if is_so { transition(shown) } else { None }
        }
    }
}

fn transition(condition: &Value) -> Option<Timestamp> {
    field(condition, "lastTransitionTime").parse().ok()
}

/// What stands on the pool now, against what is wanted once all that users ask for there is taken in.
fn inputs(now: &Observed<'_>, then: &Observed<'_>, pool: &Pool<'_>) -> Vec<InputField> {
    let published = now.record.published.as_ref();
    let built = published.filter(|published| now.record.published_on(pool, &published.hash).is_some());
    let built = built.map(|published| fields(&published.inputs));
    let (wanted, is_known) = match &then.wanted {
        Wanted::Known(request) => (fields(&request.inputs), true),
        Wanted::Faulty(_) | Wanted::Unknown => (unreadable(then, pool), false),
    };
    let field = |(n, (name, wanted)): (usize, (&'static str, Option<String>))| {
        let built = built.as_ref().and_then(|built| built[n].1.clone());
        let differs = (is_known || wanted.is_some()).then_some(built != wanted);
        InputField { name, built, wanted, differs }
    };
    wanted.into_iter().enumerate().map(field).collect()
}

/// The fields of inputs, each with its name.
fn fields(inputs: &BuildInputs) -> Vec<(&'static str, Option<String>)> {
    let texts = inputs.fields().into_iter().map(|(name, value)| (name, value.map(str::to_owned)));
    texts.chain([("generation", Some(inputs.generation.to_string()))]).collect()
}

/// What the pool says itself of inputs that cannot all be read.
fn unreadable(observed: &Observed<'_>, pool: &Pool<'_>) -> Vec<(&'static str, Option<String>)> {
    let nothing = BuildInputs {
        rendered_config: pool.rendered().to_owned(),
        base_image: String::new(),
        extensions_image: None,
        release_version: String::new(),
        custom_containerfile: None,
        repository: String::new(),
        generation: observed.record.generation,
    };
    let known = |(name, value): (&'static str, Option<String>)| (name, value.filter(|value| !value.is_empty()));
    fields(&nothing).into_iter().map(known).collect()
}

fn attempt(observed: &Observed<'_>, state: PoolPhase) -> Option<AttemptReport> {
    let attempt = observed.record.attempt.as_ref()?;
    let lost = attempt.lost.as_ref();
    let due = |at: Timestamp| at.checked_add(observed.retry_backoff(attempt.number)).ok();
    Some(AttemptReport {
        number: attempt.number,
        of: observed.inputs.settings.attempts_max,
        started: attempt.started,
        lost_at: lost.map(|lost| lost.at),
        lost_why: lost.map(|lost| lost.why.clone()),
        next_due: lost.filter(|_| state == PoolPhase::Retrying).and_then(|lost| due(lost.at)),
    })
}

fn build_report(observed: &Observed<'_>, build: BuildObject<'_>) -> BuildReport {
    BuildReport {
        kind: build.key.kind.name(),
        name: build.key.name.clone(),
        uid: build.uid().to_owned(),
        phase: phase(observed, build),
        is_wanted: match &observed.wanted {
            Wanted::Known(request) => Some(build.hash() == Some(request.hash.as_str())),
            Wanted::Faulty(_) | Wanted::Unknown => None,
        },
    }
}

fn phase(observed: &Observed<'_>, build: BuildObject<'_>) -> &'static str {
    match observed.status_of(build) {
        _ if build.is_being_deleted() => "ending",
        None | Some(BuildStatus::Pending(_)) => "pending",
        Some(BuildStatus::Running) => "running",
        Some(BuildStatus::Succeeded(_) | BuildStatus::DigestInConfigMap) => "succeeded",
        Some(BuildStatus::Failed(_)) => "failed",
        Some(BuildStatus::Lost(_)) => "lost",
    }
}

fn blocker(pool: &Pool<'_>) -> Option<Blocker> {
    let condition = pool.condition(pool.blocked_by().filter(|_| pool.is_opted_in())?)?;
    let text = |name: &str| field(condition, name).to_owned();
    Some(Blocker {
        condition: text("type"),
        reason: text("reason"),
        message: text("message"),
        since: transition(condition),
    })
}
