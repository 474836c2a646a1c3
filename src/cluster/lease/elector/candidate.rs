//! The requests of a candidate, each with its result.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::time::Instant;

use crate::causes::with_causes;
use crate::clock::Clock;
use crate::cluster::lease::{Move, Timing, next, released};

/// The name of the Lease.
pub const LEASE_NAME: &str = "machine-os-builder";

/// The annotations by which a candidate describes itself on the lease that it writes.
pub type Annotations = Arc<dyn Fn() -> BTreeMap<String, String> + Send + Sync>;

/// The lease as it was last seen, and when it was first seen so.
pub(super) type Known = Option<(Lease, Instant)>;

/// Who asks, and how.
#[derive(Clone)]
pub(super) struct Candidate {
    pub leases: Api<Lease>,
    pub identity: String,
    pub timing: Timing,
    pub clock: Clock,
    pub annotations: Annotations,
}

/// The result of a try.
pub(super) struct Tried {
    /// When the write was sent: leadership counts from there.
    pub asked: Instant,
    /// The lease, if it was seen.
    pub known: Option<Known>,
    pub outcome: Outcome,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The lease is this candidate's, from the time of the write on.
    Led,
    /// The lease was not written: another candidate holds it, or wrote it first.
    NotLed,
    /// The request failed.
    Failed,
}

/// Why a lease could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// Another candidate wrote it first, or this one did in another request.
    #[error("the lease has changed since it was read")]
    Conflict,
    /// The request failed.
    #[error("failed to write the lease")]
    Failed(#[source] kube::Error),
}

impl Tried {
    /// A try that was not answered.
    pub(super) const fn failed(asked: Instant) -> Self {
        Self { asked, known: None, outcome: Outcome::Failed }
    }
}

impl Candidate {
    /// Whether the lease names this candidate.
    pub(super) fn holds(&self, known: &Known) -> bool {
        let holder = known.as_ref().and_then(|(lease, _)| lease.spec.as_ref()?.holder_identity.as_deref());
        holder == Some(self.identity.as_str())
    }

    /// Reads the lease, and writes it if it may be taken or is this candidate's to renew.
    pub(super) async fn lead(self, known: Known) -> Tried {
        match self.look(known).await {
            Ok(known) => self.write_if_due(known).await,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "failed to read the lease");
                Tried::failed(Instant::now())
            }
        }
    }

    /// Renews the lease that this candidate holds. It is not read before that; that the write does not fit says that it
    /// is worth another look.
    pub(super) async fn renew(self, known: Known) -> Tried {
        let asked = Instant::now();
        match self.leases.patch(LEASE_NAME, &PatchParams::default(), &self.renewal()).await {
            Ok(lease) => self.led(asked, lease),
            // It is not there, or not this candidate's.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => self.lead(known).await,
            Err(error) => {
                tracing::warn!(
                    error = with_causes(&error),
                    "failed to patch the lease; see config/rbac if it is refused"
                );
                Tried::failed(asked)
            }
        }
    }

    /// Writes the lease as its holder leaves it.
    pub(super) async fn release(&self, lease: &Lease) -> Result<(), WriteError> {
        let spec = released(&lease.spec.clone().unwrap_or_default(), self.clock.now());
        self.write(Some(lease), spec).await.map(drop)
    }

    pub(super) async fn look(&self, known: Known) -> kube::Result<Known> {
        let lease = self.leases.get_opt(LEASE_NAME).await?;
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        Ok(lease.map(|lease| match known {
            Some((known, seen)) if version(&known) == version(&lease) => (lease, seen),
            _ => (lease, Instant::now()),
        }))
    }

    async fn write_if_due(&self, known: Known) -> Tried {
        let asked = Instant::now();
        let spec = known.as_ref().and_then(|(lease, _)| lease.spec.as_ref());
        let seen = known.as_ref().map_or(asked, |(_, seen)| *seen);
        let not_led = |known| Tried { known: Some(known), outcome: Outcome::NotLed, ..Tried::failed(asked) };
        match next(spec, &self.identity, &self.timing, seen, asked, self.clock.now()) {
            Move::Wait(_) => not_led(known),
            Move::Write(spec) => match self.write(known.as_ref().map(|(lease, _)| lease), spec).await {
                Ok(lease) => self.led(asked, lease),
                Err(WriteError::Conflict) => not_led(known),
                Err(error) => {
                    tracing::warn!(error = with_causes(&error), "the lease is not written");
                    Tried { known: Some(known), ..Tried::failed(asked) }
                }
            },
        }
    }

    /// The time of renewal and the annotations are written, if the lease is this candidate's when the patch arrives.
    fn renewal(&self) -> Patch<Lease> {
        let mut operations = vec![
            json!({"op": "test", "path": "/spec/holderIdentity", "value": self.identity}),
            json!({"op": "add", "path": "/spec/renewTime", "value": MicroTime(self.clock.now())}),
        ];
        // There are some since the lease was acquired.
        operations.extend((self.annotations)().into_iter().map(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            json!({"op": "add", "path": format!("/metadata/annotations/{key}"), "value": value})
        }));
        Patch::Json(serde_json::from_value(operations.into()).expect("these are operations of a JSON patch"))
    }

    fn led(&self, asked: Instant, lease: Lease) -> Tried {
        Tried { known: Some(Some((lease, Instant::now()))), outcome: Outcome::Led, ..Tried::failed(asked) }
    }

    async fn write(&self, known: Option<&Lease>, spec: LeaseSpec) -> Result<Lease, WriteError> {
        let mut metadata = known.map_or_else(
            || ObjectMeta { name: Some(LEASE_NAME.to_owned()), ..ObjectMeta::default() },
            |lease| lease.metadata.clone(),
        );
        metadata.annotations.get_or_insert_default().extend((self.annotations)());
        let lease = Lease { metadata, spec: Some(spec) };
        let params = PostParams::default();
        let written = match known {
            Some(_) => self.leases.replace(LEASE_NAME, &params, &lease).await,
            None => self.leases.create(&params, &lease).await,
        };
        match written {
            Ok(lease) => Ok(lease),
            Err(kube::Error::Api(status)) if status.code == 409 => Err(WriteError::Conflict),
            Err(error) => Err(WriteError::Failed(error)),
        }
    }
}
