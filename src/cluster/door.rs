//! The requests that decisions lead to. Each write carries what it was decided from.

use std::sync::Arc;

use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{ObjectMeta, Request};
use serde_json::Value;

use crate::api::{EVENT_NAMESPACE, Key, Kind, Object, names};
use crate::plan::cache::Change;
use crate::plan::decide::Doomed;

/// Why a request did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the write was decided from is not so any more.
    #[error("the object has changed since it was read")]
    Conflict,
    /// There is an object of this name already.
    #[error("the object exists already")]
    AlreadyExists,
    /// There is no such object.
    #[error("the object does not exist")]
    NotFound,
    /// Anything else.
    #[error("failed to {verb} {key}")]
    Failed {
        /// What was tried.
        verb: &'static str,
        /// On which object.
        key: Key,
        /// What the client has to say.
        #[source]
        source: Box<kube::Error>,
    },
    /// The actor that was to send the request is gone.
    #[error("the build's actor is not there to do it")]
    ActorGone,
}

/// A request about to be sent, as an [`Interceptor`] sees it.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// What is about to be done.
    pub verb: &'static str,
    /// To which object.
    pub key: &'a Key,
}

/// Called in the sending actor before each request: by what it does there, a test puts a fault into that actor.
pub type Interceptor = Arc<dyn Fn(Outgoing<'_>) + Send + Sync>;

/// Sends the requests of one daemon.
#[derive(Clone)]
pub struct Door {
    client: Client,
    namespace: String,
    interceptor: Option<Interceptor>,
}

impl Door {
    /// A door to the cluster behind `client`; namespaced objects are those of `namespace`.
    pub fn new(client: Client, namespace: &str, interceptor: Option<Interceptor>) -> Self {
        Self { client, namespace: namespace.to_owned(), interceptor }
    }

    /// Patches an object, its status aside.
    pub async fn patch(&self, key: &Key, patch: &json_patch::Patch) -> Result<Change, Error> {
        self.announce("patch", key);
        let answer =
            self.api(key.kind).patch(&key.name, &PatchParams::default(), &Patch::Json::<()>(patch.clone())).await;
        applied(key, answer.map_err(|error| patch_error("patch", key, error))?)
    }

    /// Patches an object's status.
    pub async fn patch_status(&self, key: &Key, patch: &json_patch::Patch) -> Result<Change, Error> {
        self.announce("patch the status of", key);
        let api = self.api(key.kind);
        let answer = api.patch_status(&key.name, &PatchParams::default(), &Patch::Json::<()>(patch.clone())).await;
        applied(key, answer.map_err(|error| patch_error("patch the status of", key, error))?)
    }

    /// Creates an object.
    pub async fn create(&self, key: &Key, object: &Object) -> Result<Change, Error> {
        self.announce("create", key);
        let answer = self.api(key.kind).create(&PostParams::default(), object).await;
        applied(key, answer.map_err(|error| classify("create", key, error))?)
    }

    /// Replaces an object whole; its resourceVersion says which version is meant.
    pub async fn replace(&self, key: &Key, object: &Object) -> Result<Change, Error> {
        self.announce("replace", key);
        let answer = self.api(key.kind).replace(&key.name, &PostParams::default(), object).await;
        applied(key, answer.map_err(|error| classify("replace", key, error))?)
    }

    /// Reads an object: it is there, or it is gone.
    pub async fn get(&self, key: &Key) -> Result<Change, Error> {
        self.announce("get", key);
        match self.api(key.kind).get_opt(&key.name).await {
            Ok(Some(object)) => applied(key, object),
            Ok(None) => Ok(Change::Gone(key.clone(), None)),
            Err(error) => Err(classify("get", key, error)),
        }
    }

    /// Reads an object as the server wrote it, field for field; `None` if it is not there.
    pub async fn read(&self, key: &Key) -> Result<Option<Value>, Error> {
        self.announce("get", key);
        let api = self.api(key.kind);
        let request = Request::new(api.resource_url())
            .get(&key.name, &Default::default())
            .map_err(|error| classify("get", key, kube::Error::BuildRequest(error)))?;
        match self.client.request::<Value>(request).await.map_err(|error| classify("get", key, error)) {
            Ok(document) => Ok(Some(document)),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object of this UID; one that is gone already, or has a namesake in its place, is deleted.
    pub async fn delete(&self, doomed: &Doomed) -> Result<Change, Error> {
        let Doomed { key, uid, is_forced } = doomed;
        self.announce("delete", key);
        let mut params =
            DeleteParams::default().preconditions(Preconditions { uid: Some(uid.clone()), resource_version: None });
        params.grace_period_seconds = is_forced.then_some(0);
        match self.api(key.kind).delete(&key.name, &params).await {
            Ok(answer) => match answer.left() {
                Some(object) if object.metadata.uid.as_ref() == Some(uid) && is_on_its_way_out(&object) => {
                    applied(key, object)
                }
                _ => Ok(Change::Gone(key.clone(), Some(uid.clone()))),
            },
            Err(error) => match classify("delete", key, error) {
                Error::NotFound | Error::Conflict => Ok(Change::Gone(key.clone(), Some(uid.clone()))),
                error => Err(error),
            },
        }
    }

    /// Creates an Event; that it exists already means that it was told.
    pub async fn tell(&self, event: &Object) -> Result<(), Error> {
        let key = Key::of(Kind::Event, event);
        match self.create(&key, event).await {
            Ok(_) | Err(Error::AlreadyExists) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn announce(&self, verb: &'static str, key: &Key) {
        tracing::debug!(verb, %key, "request");
        if let Some(interceptor) = &self.interceptor {
            interceptor(Outgoing { verb, key });
        }
    }

    fn api(&self, kind: Kind) -> Api<Object> {
        let resource = kind.resource();
        match kind {
            Kind::Event => Api::namespaced_with(self.client.clone(), EVENT_NAMESPACE, &resource),
            _ if kind.is_namespaced() => Api::namespaced_with(self.client.clone(), &self.namespace, &resource),
            _ => Api::all_with(self.client.clone(), &resource),
        }
    }
}

/// Whether the answer to a deletion says that the object still has to come to its end.
fn is_on_its_way_out(object: &Object) -> bool {
    let ObjectMeta { deletion_grace_period_seconds, finalizers, .. } = &object.metadata;
    deletion_grace_period_seconds.is_some_and(|seconds| seconds > 0)
        || finalizers.as_ref().is_some_and(|f| !f.is_empty())
}

/// An answer as it is kept: without what nobody here reads, and without contents that are large.
fn applied(key: &Key, mut object: Object) -> Result<Change, Error> {
    object.metadata.managed_fields = None;
    let is_build_input = key.kind == Kind::ConfigMap && !key.name.starts_with(&names::digest(""));
    if key.kind == Kind::MachineConfig || (is_build_input && !key.is_input_config_map()) {
        object.data = Value::Null;
    }
    Ok(Change::Applied(key.clone(), Arc::new(object)))
}

/// A JSON patch whose `test` fails is answered with "Invalid": for this program, that is a conflict.
fn patch_error(verb: &'static str, key: &Key, error: kube::Error) -> Error {
    match &error {
        kube::Error::Api(status) if status.code == 422 => Error::Conflict,
        _ => classify(verb, key, error),
    }
}

fn classify(verb: &'static str, key: &Key, error: kube::Error) -> Error {
    match &error {
        kube::Error::Api(status) if status.is_already_exists() => Error::AlreadyExists,
        kube::Error::Api(status) if status.is_conflict() => Error::Conflict,
        kube::Error::Api(status) if status.is_not_found() => Error::NotFound,
        _ => Error::Failed { verb, key: key.clone(), source: Box::new(error) },
    }
}
