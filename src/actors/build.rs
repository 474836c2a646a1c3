//! The actor of one build: the only writer of its objects, and the one that knows how it is doing.
//!
//! Reads its build object as the pool actor passes it on, and the digest that the build left; writes the build's
//! objects when it is asked to; tells the pool actor each change of the build's status.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::JoinSet;

use super::context::Context;
use super::pool::PoolMessage;
use crate::api::limits::EVIDENCE_TIMEOUT;
use crate::api::{Key, Kind, Object, Sensitive, names};
use crate::builders;
use crate::cluster::door::Error;
use crate::plan::cache::Change;
use crate::plan::decide::{Doomed, Part, Place, Search};
use crate::plan::digest::Digest;
use crate::plan::objects;
use crate::plan::payload::Payload;
use crate::plan::request::BuildRequest;
use crate::plan::status::{BuildFailure, BuildStatus};

/// Times that a digest is looked for once its build has succeeded.
const DIGEST_TRIES_MAX: u32 = 4;
/// The wait between two of them.
const DIGEST_INTERVAL: Duration = Duration::from_secs(2);
/// Times that reading a digest may fail; with the waits between them, a server has some ten minutes to recover.
const DIGEST_FAILURES_MAX: u32 = 15;
/// Longest wait after a failure.
const DIGEST_BACKOFF_MAX: Duration = Duration::from_secs(60);

/// The step at which a build without a digest is lost.
const READING_DIGEST: &str = "reading the digest of the image";

/// The actor of one build.
pub(super) struct BuildActor;

/// Which build it is: two builds of one config from different inputs are two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BuildId {
    /// The rendered config.
    pub rendered: String,
    /// The hash of its inputs; empty for objects that bear none.
    pub hash: String,
}

/// What a build actor is told.
pub(super) enum BuildMessage {
    /// The build object is there, in this version.
    Observed(Arc<Object>),
    /// Look for the digest once more.
    LookForDigest { uid: String, tries: u32, failures: u32 },
    /// Find out more about the build.
    Seek(Search),
    /// Make one of the build's objects.
    Create {
        part: Part,
        request: Arc<BuildRequest>,
        payload: Option<Payload>,
        reply: RpcReplyPort<Result<Change, Error>>,
    },
    /// Delete an object of the build.
    Delete { doomed: Doomed, reply: RpcReplyPort<Result<Change, Error>> },
}

pub(super) struct BuildArguments {
    pub context: Context,
    pub id: BuildId,
    pub pool: ActorRef<PoolMessage>,
}

pub(super) struct BuildState {
    context: Context,
    id: BuildId,
    pool: ActorRef<PoolMessage>,
    observed: Option<Arc<Object>>,
    /// What was last told, and of which object.
    told: Option<(String, BuildStatus)>,
    /// Ends with the actor.
    searches: JoinSet<()>,
}

impl Actor for BuildActor {
    type Msg = BuildMessage;
    type State = BuildState;
    type Arguments = BuildArguments;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        arguments: BuildArguments,
    ) -> Result<BuildState, ActorProcessingErr> {
        let BuildArguments { context, id, pool } = arguments;
        Ok(BuildState { context, id, pool, observed: None, told: None, searches: JoinSet::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut BuildState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            BuildMessage::Observed(object) => state.observe(&myself, object),
            BuildMessage::LookForDigest { uid, tries, failures } => {
                state.look_for_digest(&myself, uid, tries, failures).await;
            }
            BuildMessage::Seek(search) => state.seek(search),
            BuildMessage::Create { part, request, payload, reply } => {
                let _ = reply.send(state.create(part, &request, payload.as_ref()).await);
            }
            BuildMessage::Delete { doomed, reply } => {
                let _ = reply.send(state.context.door.delete(&doomed).await);
            }
        }
        Ok(())
    }
}

/// Looks for the digest again after `wait`.
fn again(myself: &ActorRef<BuildMessage>, uid: String, (tries, failures): (u32, u32), wait: Duration) {
    myself.send_after(wait, move || BuildMessage::LookForDigest { uid, tries, failures });
}

impl BuildState {
    fn observe(&mut self, myself: &ActorRef<BuildMessage>, object: Arc<Object>) {
        let Some(builder) = Kind::of(&object).ok().and_then(builders::for_kind) else { return };
        let uid = object.metadata.uid.clone().unwrap_or_default();
        let status = builder.classify(&object);
        self.observed = Some(object);
        if status == BuildStatus::DigestInConfigMap {
            if let Some((of, told)) = self.told.clone().filter(|(of, told)| *of == uid && told.is_finished()) {
                // It is being looked for, or it is known what came of that.
                return self.tell(of, told);
            }
            let _ = myself.cast(BuildMessage::LookForDigest { uid: uid.clone(), tries: 1, failures: 0 });
        }
        self.tell(uid, status);
    }

    /// Tells the pool's actor, even of what it was told before: it forgets builds that it has lost sight of.
    fn tell(&mut self, uid: String, status: BuildStatus) {
        let news = (uid, status);
        let _ = self.pool.cast(PoolMessage::BuildStatus { uid: news.0.clone(), status: news.1.clone() });
        if self.told.as_ref() != Some(&news) {
            tracing::info!(rendered = self.id.rendered, uid = news.0, status = %news.1, "build");
            self.told = Some(news);
        }
    }

    /// Reads the digest from the ConfigMap that the build left. It is there before the build object says that
    /// it succeeded, so a few looks are enough to tell that there is none to be had. A read that fails is repeated later
    /// each time, and not for ever.
    async fn look_for_digest(&mut self, myself: &ActorRef<BuildMessage>, uid: String, tries: u32, failures: u32) {
        let key = Key::new(Kind::ConfigMap, names::digest(&self.id.rendered));
        let found = match self.context.door.get(&key).await {
            Ok(change) => {
                let digest = self.digest_in(&change);
                let _ = self.pool.cast(PoolMessage::Changed(change));
                digest
            }
            Err(error) if failures + 1 < DIGEST_FAILURES_MAX => {
                let failures = failures + 1;
                let wait = self.context.jitter.backoff(DIGEST_INTERVAL, DIGEST_BACKOFF_MAX, failures);
                tracing::warn!(error = error.with_source(), %key, failures, ?wait, "failed to read the digest");
                return again(myself, uid, (tries, failures), wait);
            }
            Err(error) => {
                let words = format!("{}; tried {DIGEST_FAILURES_MAX} times", error.with_source());
                return self.tell(uid, BuildStatus::Lost(BuildFailure::loss(READING_DIGEST, words)));
            }
        };
        match found {
            Some(digest) => self.tell(uid, BuildStatus::Succeeded(digest)),
            None if tries < DIGEST_TRIES_MAX => again(myself, uid, (tries + 1, failures), DIGEST_INTERVAL),
            None => {
                let words = format!("the build succeeded, but left no digest in {key}");
                self.tell(uid, BuildStatus::Lost(BuildFailure::loss(READING_DIGEST, words)));
            }
        }
    }

    /// The digest in the ConfigMap, if this build left it there.
    fn digest_in(&self, change: &Change) -> Option<Digest> {
        let Change::Applied(_, config_map) = change else { return None };
        Digest::left_by(self.observed.as_ref()?, config_map)
    }

    /// Looks for what says more about the build than its object does, beside whatever else there is to do, and tells
    /// what came of that within a bound of time.
    fn seek(&mut self, search: Search) {
        let (door, pool) = (self.context.door.clone(), self.pool.clone());
        self.searches.spawn(async move {
            let look = async {
                match search.place {
                    Place::Log(container) => door.log(&search.build, &container).await,
                    Place::Events => door.warning(&search.uid).await,
                }
            };
            // The pool's actor waits for an answer, whatever happens here: a panic finds nothing.
            let found = AssertUnwindSafe(tokio::time::timeout(EVIDENCE_TIMEOUT, look)).catch_unwind().await;
            let found = found.ok().and_then(Result::ok);
            let text = found.unwrap_or(Ok(String::new())).unwrap_or_else(|error| {
                tracing::debug!(error = error.with_source(), build = %search.build, "nothing more is known about a build");
                String::new()
            });
            let _ = pool.cast(PoolMessage::Evidence { uid: search.uid, text: Sensitive::new(text) });
        });
    }

    async fn create(&self, part: Part, request: &BuildRequest, payload: Option<&Payload>) -> Result<Change, Error> {
        let settings = &self.context.settings;
        let namespace = &settings.decide.namespace;
        let (kind, object) = match (part, payload) {
            (Part::Payload, Some(payload)) => {
                (Kind::ConfigMap, objects::payload_config_map(request, payload, namespace))
            }
            (Part::Payload, None) => return Err(Error::NotFound),
            (Part::Containerfile, _) => (Kind::ConfigMap, objects::containerfile_config_map(request, namespace)),
            (Part::Build, _) => (request.builder.kind(), request.builder.object(request, &settings.build)),
        };
        let key = Key::of(kind, &object);
        match self.context.door.create(&key, &object).await {
            // Whose it is, and whether it is fresh, is for the next look to see.
            Err(Error::AlreadyExists) => self.context.door.get(&key).await,
            answer => answer,
        }
    }
}
