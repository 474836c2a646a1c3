//! The actor of one build: the only writer of its objects, and the reader of its logs, Events and digest.
//!
//! It decides nothing: it carries out the effects that the pool actor sends, and answers each.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use futures::future::join_all;
use ractor::{Actor, ActorRef};
use tokio::task::JoinSet;
use tracing::{Instrument as _, Span};

use super::context::Context;
use super::messages::{ActorResult, BuildMessage, PoolMessage};
use crate::api::limits::DIAGNOSTICS_TIMEOUT;
use crate::api::{Key, Sensitive};
use crate::cluster::client::{ClusterClient, Error};
use crate::reconcile::decide::{DiagnosticsQuery, DiagnosticsSource, Effect, Part};
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::machine::{Answer, Failure};
use crate::reconcile::objects::payload::Payload;
use crate::reconcile::objects::{self, metadata};
use crate::reconcile::observed::cache::Change;
use crate::reconcile::observed::digest::Digest;

/// The actor of one build.
pub(super) struct BuildActor;

/// Identifies a build: builds of one config from different inputs are different builds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BuildId {
    /// The rendered config.
    pub rendered: String,
    /// The hash of its inputs; empty for objects without one.
    pub hash: String,
}

pub(super) struct BuildArguments {
    pub context: Context,
    pub pool: ActorRef<PoolMessage>,
    /// The context of each log line.
    pub span: Span,
}

pub(super) struct BuildState {
    context: Context,
    pool: ActorRef<PoolMessage>,
    span: Span,
    /// Dropping the set aborts the reads when the actor ends.
    reads: JoinSet<()>,
}

impl Actor for BuildActor {
    type Msg = BuildMessage;
    type State = BuildState;
    type Arguments = BuildArguments;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, arguments: BuildArguments) -> ActorResult<BuildState> {
        let BuildArguments { context, pool, span } = arguments;
        Ok(BuildState { context, pool, span, reads: JoinSet::new() })
    }

    async fn handle(&self, _: ActorRef<Self::Msg>, message: Self::Msg, state: &mut BuildState) -> ActorResult {
        match message {
            BuildMessage::Write { effects, payload, reply } => {
                let written = effects.into_iter().map(|effect| async {
                    let answer = state.write(&effect, payload.as_ref()).await;
                    (effect, answer.map(Answer::Object).map_err(Failure::from))
                });
                let _ = reply.send(join_all(written).instrument(state.span.clone()).await);
            }
            BuildMessage::Read(effect) => state.read(effect),
        }
        Ok(())
    }
}

impl BuildState {
    async fn write(&self, effect: &Effect, payload: Option<&Payload>) -> Result<Change, Error> {
        match effect {
            Effect::Create(part, request) => self.create(*part, request, payload).await,
            Effect::Delete(deletion) => self.context.cluster.delete(deletion).await,
            _ => Err(Error::NotFound),
        }
    }

    async fn create(&self, part: Part, request: &BuildRequest, payload: Option<&Payload>) -> Result<Change, Error> {
        let settings = &self.context.settings;
        let namespace = &settings.decide.namespace;
        let object = match (part, payload) {
            (Part::Payload, Some(payload)) => metadata::payload_config_map(request, payload, namespace),
            (Part::Payload, None) => return Err(Error::NotFound),
            (Part::Containerfile, _) => metadata::containerfile_config_map(request, namespace),
            (Part::Build, _) => objects::build_object(request, &settings.build),
        };
        let key = part.key(request);
        // The next step checks the owner of an existing object, and whether it is stale.
        self.context.cluster.create_or_get(&key, &object).await
    }

    /// Reads in a task of its own, and sends the answer to the pool actor.
    fn read(&mut self, effect: Effect) {
        let (cluster, pool) = (self.context.cluster.clone(), self.pool.clone());
        let read = async move {
            let answer = match &effect {
                Effect::ReadDiagnostics(search) => Ok(Answer::Found(found(&cluster, search).await)),
                Effect::ReadDigest { build, .. } => read_digest(&cluster, build).await.map_err(Failure::from),
                _ => Err(Error::NotFound.into()),
            };
            let _ = pool.cast(PoolMessage::Completed(effect, answer));
        };
        self.reads.spawn(read.instrument(self.span.clone()));
    }
}

/// The log or the Events of a build, read within a time limit; empty if the read fails.
async fn found(cluster: &ClusterClient, search: &DiagnosticsQuery) -> Sensitive<String> {
    let look = async {
        match &search.place {
            DiagnosticsSource::Log(container) => cluster.log(&search.build, container).await,
            DiagnosticsSource::Events => cluster.warning(&search.uid).await,
        }
    };
    // The pool actor waits for an answer in any case, so a panic counts as an empty one.
    let found = AssertUnwindSafe(tokio::time::timeout(DIAGNOSTICS_TIMEOUT, look)).catch_unwind().await;
    let text = found.ok().and_then(Result::ok).unwrap_or(Ok(String::new())).unwrap_or_else(|error| {
        tracing::debug!(error = error.with_source(), build = %search.build, "nothing more is known about a build");
        String::new()
    });
    Sensitive::new(text)
}

/// The ConfigMap in which a build leaves its digest.
async fn read_digest(cluster: &ClusterClient, build: &Key) -> Result<Answer, Error> {
    let key = Digest::config_map_of(build);
    let answer = AssertUnwindSafe(cluster.get(&key)).catch_unwind().await.unwrap_or(Err(Error::ActorGone));
    answer.map(Answer::Object)
}
