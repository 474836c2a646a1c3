//! The build record: what a pool's annotation tells the next look, or the next process, about its builds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::{FaultReason, InputFault};
use super::inputs::BuildInputs;
use super::status::FailureCause;
use crate::api::{Key, Kind, Pool, keys};

/// The version of the format that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// What is known of a pool's builds. All that has to outlive this process is in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildRecord {
    pub(in crate::plan) version: u32,
    /// How many rebuilds were asked for.
    #[serde(default)]
    pub generation: u64,
    /// Whether a rebuild was asked for, and has not come to an end yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rebuild: bool,
    /// The newest published image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Published>,
    /// The build under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// The build that failed last, unless one was started since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
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
        Self { version: VERSION, generation: 0, rebuild: false, published: None, attempt: None, failed: None }
    }
}

impl BuildRecord {
    /// The record with no time of its attempt still to come, if there is one that is: who wrote it had a clock that was
    /// ahead, and what is counted from it would last too long.
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
