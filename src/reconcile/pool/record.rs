//! The build record: the annotation of a pool that carries the state of its builds to the next step, or to a successor
//! process.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::conditions::cut;
use crate::api::limits::{HISTORY_BYTES_MAX, HISTORY_MAX, LOST_ATTEMPTS_MAX, LOST_CAUSE_BYTES_MAX};
use crate::api::names::sha256_hex;
use crate::api::{Key, Kind, Pool, keys};
use crate::reconcile::inputs::build_inputs::BuildInputs;
use crate::reconcile::inputs::fault::{FaultReason, InputFault};
use crate::reconcile::observed::status::FailureCause;

/// The version of the format that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// Hexadecimal digits of a claim.
const CLAIM_DIGITS: usize = 16;

/// The state of a pool's builds. It holds everything that has to outlive this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildRecord {
    pub(crate) version: u32,
    /// When the first attempt since the pool was opted in was claimed: it tells the builds of two opt-ins apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How many rebuilds users have asked for.
    #[serde(default)]
    pub generation: u64,
    /// How many attempts were claimed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub build: u64,
    /// Whether a user has asked for a rebuild that has not ended yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rebuild: bool,
    /// The newest published image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Published>,
    /// The build under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// The attempts at that build that were lost, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostAttempt>,
    /// The build that failed last, unless one was started since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
    /// The foreign object whose name the build needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Conflict>,
    /// The last builds that ended, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<PastBuild>,
}

/// An attempt that was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LostAttempt {
    /// The attempt's number.
    pub number: u32,
    /// Why it was lost, in at most [`LOST_CAUSE_BYTES_MAX`] bytes.
    pub cause: String,
}

/// An object of another owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// Its kind, as in an object's `kind`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A build that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastBuild {
    /// The rendered config.
    pub config: String,
    /// When its last attempt was claimed.
    pub started: Timestamp,
    /// When its end was recorded.
    pub ended: Timestamp,
    /// `succeeded`, `failed` or `superseded`.
    pub result: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The published image, by digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

// serde asks for a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A published image, and what it was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    /// The inputs recorded with the build.
    pub inputs: BuildInputs,
    /// Their hash.
    pub hash: String,
    /// The image, by digest.
    pub image: String,
    /// Which of the claimed attempts it was, as [`BuildRecord::build`] counts them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub build: u64,
}

/// One attempt at a build: written before its objects are made, so that it counts attempts and keeps
/// two processes from both starting one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The hash of the build's inputs.
    pub hash: String,
    /// 1 for the first attempt at these inputs.
    pub number: u32,
    /// When it was claimed.
    pub started: Timestamp,
    /// Since when the pool had waited for the slot that it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// What every object of the build bears besides the hash: only an object of this claim is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// Set once its build object was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Lost>,
}

/// How an attempt was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    /// When that was noticed.
    pub at: Timestamp,
    /// What happened.
    pub why: String,
}

/// A build that failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The hash of the build's inputs.
    pub hash: String,
    /// A word for what happened.
    pub reason: String,
    /// What the pool's condition says about it.
    pub message: String,
    /// What kind of failure it was.
    #[serde(default)]
    pub cause: FailureCause,
}

impl Default for BuildRecord {
    fn default() -> Self {
        Self {
            version: VERSION,
            since: None,
            generation: 0,
            build: 0,
            rebuild: false,
            published: None,
            attempt: None,
            lost: Vec::new(),
            failed: None,
            conflict: None,
            history: Vec::new(),
        }
    }
}

impl BuildRecord {
    /// The record with its attempt's future times set to `now`; `None` if it has none. They come from a writer whose
    /// clock was ahead, and waits that are counted from them would last too long.
    pub fn set_back_to(&self, now: Timestamp) -> Option<Self> {
        let attempt = self.attempt.as_ref()?;
        let lost = attempt.lost.clone().map(|lost| Lost { at: lost.at.min(now), ..lost });
        let attempt = Attempt { started: attempt.started.min(now), lost, ..attempt.clone() };
        (self.attempt.as_ref() != Some(&attempt)).then(|| Self { attempt: Some(attempt), ..self.clone() })
    }

    /// Reads the record of `pool`; a pool without one has an empty one.
    pub fn of(pool: &Pool<'_>) -> Result<Self, InputFault> {
        let Some(text) = pool.annotation(keys::BUILD_RECORD) else { return Ok(Self::default()) };
        let fault = |problem: String| InputFault {
            reason: FaultReason::RecordInvalid,
            object: Key::new(Kind::MachineConfigPool, pool.name()),
            key: Some(keys::BUILD_RECORD.to_owned()),
            problem,
            fix: "remove the annotation, and the pool will be built anew".to_owned(),
            is_missing: false,
        };
        let record: Self =
            serde_json::from_str(text).map_err(|error| fault(format!("failed to read the build record: {error}")))?;
        if record.version > VERSION {
            return Err(fault(format!("version {} is newer than this program, which knows {VERSION}", record.version)));
        }
        Ok(record)
    }

    /// What tells an occurrence of something from every other of the same pool: which claim it belongs to.
    pub fn occasion(&self) -> String {
        self.occasion_of(self.build)
    }

    /// The same, of an earlier claim.
    pub fn occasion_of(&self, build: u64) -> String {
        let since = self.since.map(|since| since.to_string()).unwrap_or_default();
        format!("{since} {build}")
    }

    /// The record with a new attempt at the build of `hash`, claimed at `now`.
    ///
    /// A further attempt at the same build keeps the claim of the first: the ConfigMaps of both are the same.
    #[must_use]
    pub fn claimed(&self, pool_uid: &str, hash: &str, waiting_since: Option<Timestamp>, now: Timestamp) -> Self {
        let known = self.attempt_at(hash);
        let build = self.build.saturating_add(1);
        let new_claim = || sha256_hex(format!("{pool_uid}\n{build}\n{hash}\n{now}"))[..CLAIM_DIGITS].to_owned();
        let attempt = Attempt {
            hash: hash.to_owned(),
            number: known.map_or(1, |attempt| attempt.number.saturating_add(1)),
            started: now,
            waiting_since,
            claim: known.map_or_else(|| Some(new_claim()), |attempt| attempt.claim.clone()),
            lost: None,
        };
        Self {
            since: self.since.or(Some(now)),
            build,
            lost: if known.is_some() { self.lost.clone() } else { Vec::new() },
            attempt: Some(attempt),
            failed: None,
            conflict: None,
            ..self.clone()
        }
    }

    /// The record with the loss of its attempt at `now`, for the reason `why`, of which `brief` is kept with all others.
    #[must_use]
    pub fn with_loss(&self, why: &str, brief: &str, now: Timestamp) -> Self {
        let mut record = self.clone();
        if let Some(attempt) = &mut record.attempt {
            attempt.lost = Some(Lost { at: now, why: why.to_owned() });
            record.lost.push(LostAttempt { number: attempt.number, cause: cut(brief, LOST_CAUSE_BYTES_MAX) });
            let surplus = record.lost.len().saturating_sub(LOST_ATTEMPTS_MAX);
            record.lost.drain(..surplus);
        }
        record
    }

    /// Adds the end of the attempt under way to the history, and drops the oldest entries where it gets too long.
    pub fn remember(
        &mut self,
        config: &str,
        result: &str,
        (cause, image): (Option<&str>, Option<&str>),
        now: Timestamp,
    ) {
        let started = self.attempt.as_ref().map_or(now, |attempt| attempt.started);
        self.history.push(PastBuild {
            config: config.to_owned(),
            started,
            ended: now,
            result: result.to_owned(),
            cause: cause.map(str::to_owned),
            image: image.map(str::to_owned),
        });
        let surplus = self.history.len().saturating_sub(HISTORY_MAX);
        self.history.drain(..surplus);
        while self.history.len() > 1 && json_bytes(&self.history) > HISTORY_BYTES_MAX {
            self.history.remove(0);
        }
    }

    /// The record as it stands in the annotation.
    pub fn to_annotation(&self) -> String {
        serde_json::to_string(self).expect("a record has string keys only")
    }

    /// The attempt at the build with this input hash.
    pub fn attempt_at(&self, hash: &str) -> Option<&Attempt> {
        self.attempt.as_ref().filter(|attempt| attempt.hash == hash)
    }

    /// The failure of the build with this input hash.
    pub fn failure_of(&self, hash: &str) -> Option<&Failed> {
        self.failed.as_ref().filter(|failed| failed.hash == hash)
    }

    /// The publication of the build with this input hash, if its image still stands on the pool.
    pub fn published_on(&self, pool: &Pool<'_>, hash: &str) -> Option<&Published> {
        self.published
            .as_ref()
            .filter(|published| published.hash == hash)
            .filter(|published| pool.annotation(keys::NEWEST_IMAGE) == Some(published.image.as_str()))
    }
}

fn json_bytes(history: &[PastBuild]) -> usize {
    serde_json::to_string(history).map_or(0, |text| text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Object;
    use serde_json::json;

    fn pool(record: &str) -> Object {
        serde_json::from_value(json!({
            "metadata": {"name": "worker", "annotations": {keys::BUILD_RECORD: record}},
        }))
        .unwrap()
    }

    #[test]
    fn a_record_survives_being_written_down() {
        let record = BuildRecord {
            generation: 3,
            rebuild: true,
            attempt: Some(Attempt {
                hash: "h".into(),
                number: 2,
                started: "2026-01-02T03:04:05Z".parse().unwrap(),
                waiting_since: None,
                claim: Some("c".into()),
                lost: Some(Lost { at: "2026-01-02T03:04:06Z".parse().unwrap(), why: "evicted".into() }),
            }),
            ..BuildRecord::default()
        };
        let written = pool(&record.to_annotation());
        assert_eq!(BuildRecord::of(&Pool::new(&written)).unwrap(), record);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_a_fault_that_says_what_to_do() {
        for bad in ["", "{", "[]", r#"{"generation":1}"#, r#"{"version":2}"#] {
            let object = pool(bad);
            let fault = BuildRecord::of(&Pool::new(&object)).expect_err(bad);
            assert_eq!(fault.reason, FaultReason::RecordInvalid);
            assert!(fault.to_string().contains("remove the annotation"), "{fault}");
        }
    }
}
