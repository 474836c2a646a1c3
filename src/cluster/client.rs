//! The requests that carry out decisions. Each write carries the state that it was decided from.

use std::sync::Arc;

use futures::{AsyncRead, AsyncReadExt as _};
use k8s_openapi::api::core::v1::Event;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{ObjectMeta, Request};
use serde_json::Value;

pub use super::error::Error;
use super::watch;
use crate::api::limits::{DIAGNOSTICS_BYTES_MAX, DIAGNOSTICS_LINES_MAX};
use crate::api::{EVENT_NAMESPACE, Key, Kind, Object, names};
use crate::reconcile::decide::Deletion;
use crate::reconcile::observed::cache::Change;

/// A request about to be sent, as a [`RequestHook`] sees it.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// What is about to be done.
    pub verb: &'static str,
    /// To which object.
    pub key: &'a Key,
}

/// Called in the sending actor before each request: by what it does there, a test puts a fault into that actor.
pub type RequestHook = Arc<dyn Fn(Outgoing<'_>) + Send + Sync>;

/// Sends the requests of one daemon.
#[derive(Clone)]
pub struct ClusterClient {
    client: Client,
    namespace: String,
    request_hook: Option<RequestHook>,
}

impl ClusterClient {
    /// A door to the cluster behind `client`; namespaced objects are those of `namespace`.
    pub fn new(client: Client, namespace: &str, request_hook: Option<RequestHook>) -> Self {
        Self { client, namespace: namespace.to_owned(), request_hook }
    }

    /// Patches an object, its status aside.
    pub async fn patch(&self, key: &Key, patch: &json_patch::Patch) -> Result<Change, Error> {
        self.log_request("patch", key);
        let request = Request::new(self.api(key.kind).resource_url());
        let patch = Patch::Json::<()>(patch.clone());
        self.send_patch(key, request.patch(&key.name, &PatchParams::default(), &patch)).await
    }

    /// Patches an object's status.
    pub async fn patch_status(&self, key: &Key, patch: &json_patch::Patch) -> Result<Change, Error> {
        self.log_request("patch the status of", key);
        let request = Request::new(self.api(key.kind).resource_url());
        let patch = Patch::Json::<()>(patch.clone());
        self.send_patch(key, request.patch_subresource("status", &key.name, &PatchParams::default(), &patch)).await
    }

    async fn send_patch(
        &self,
        key: &Key,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Change, Error> {
        let request = request.map_err(kube::Error::BuildRequest).map_err(|error| classify("patch", key, error))?;
        let answer = self.client.request::<Object>(request.map(escape_as_server)).await;
        applied(key, answer.map_err(|error| patch_error("patch", key, error))?)
    }

    /// Creates an object; if there is one of its name, reads that.
    pub async fn create_or_get(&self, key: &Key, object: &Object) -> Result<Change, Error> {
        match self.create(key, object).await {
            Err(Error::AlreadyExists) => self.get(key).await,
            answer => answer,
        }
    }

    async fn create(&self, key: &Key, object: &Object) -> Result<Change, Error> {
        self.log_request("create", key);
        let api = match &object.metadata.namespace {
            // Those about namespaced objects live in the namespace of these.
            Some(namespace) if key.kind == Kind::Event => {
                Api::namespaced_with(self.client.clone(), namespace, &key.kind.resource())
            }
            _ => self.api(key.kind),
        };
        let answer = api.create(&PostParams::default(), object).await;
        applied(key, answer.map_err(|error| create_error(key, error))?)
    }

    /// Replaces an object whole; its resourceVersion says which version is meant.
    pub async fn replace(&self, key: &Key, object: &Object) -> Result<Change, Error> {
        self.log_request("replace", key);
        let answer = self.api(key.kind).replace(&key.name, &PostParams::default(), object).await;
        applied(key, answer.map_err(|error| classify("replace", key, error))?)
    }

    /// Reads an object: it is there, or it is gone.
    pub async fn get(&self, key: &Key) -> Result<Change, Error> {
        self.log_request("get", key);
        match self.api(key.kind).get_opt(&key.name).await {
            Ok(Some(object)) => applied(key, object),
            Ok(None) => Ok(Change::Gone(key.clone(), None)),
            Err(error) => Err(classify("get", key, error)),
        }
    }

    /// Reads an object as the server wrote it, field for field; `None` if it is not there.
    pub async fn read(&self, key: &Key) -> Result<Option<Value>, Error> {
        let text = self.read_text(key).await?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| Error::unreadable(key, error))).transpose()
    }

    /// The same, as text.
    pub async fn read_text(&self, key: &Key) -> Result<Option<String>, Error> {
        self.log_request("get", key);
        let api = self.api(key.kind);
        let request = Request::new(api.resource_url())
            .get(&key.name, &Default::default())
            .map_err(|error| classify("get", key, kube::Error::BuildRequest(error)))?;
        match self.client.request_text(request).await.map_err(|error| classify("get", key, error)) {
            Ok(text) => Ok(Some(text)),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The last of what a container of a pod has printed.
    pub async fn log(&self, pod: &Key, container: &str) -> Result<String, Error> {
        self.log_request("read the log of", pod);
        let params = LogParams {
            container: Some(container.to_owned()),
            tail_lines: Some(DIAGNOSTICS_LINES_MAX),
            ..LogParams::default()
        };
        let failed = |error| classify("read the log of", pod, error);
        let request = Request::new(self.api(pod.kind).resource_url()).logs(&pod.name, &params);
        let request = request.map_err(|error| failed(kube::Error::BuildRequest(error)))?;
        let log = self.client.request_stream(request).await.map_err(failed)?;
        tail(log).await.map_err(|error| failed(kube::Error::Service(error.into())))
    }

    /// The newest warning about the object of this UID, if there is one.
    pub async fn warning(&self, uid: &str) -> Result<String, Error> {
        let key = Key::new(Kind::Event, uid);
        self.log_request("list the Events about", &key);
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let params = ListParams::default().fields(&format!("involvedObject.uid={uid},type=Warning"));
        let events = events.list(&params).await.map_err(|error| classify("list", &key, error))?;
        let time = |event: &Event| {
            event.last_timestamp.as_ref().map(|time| time.0).max(event.event_time.as_ref().map(|time| time.0))
        };
        let newest = events.items.into_iter().max_by_key(time);
        let words =
            newest.map(|event| [event.reason, event.message].into_iter().flatten().collect::<Vec<_>>().join(": "));
        Ok(words.unwrap_or_default())
    }

    /// Deletes an object of this UID; one that is gone already, or has a namesake in its place, is deleted.
    pub async fn delete(&self, deletion: &Deletion) -> Result<Change, Error> {
        let Deletion { key, uid, is_forced } = deletion;
        self.log_request("delete", key);
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
            Err(error) if is_about_namesake(&error) => Ok(Change::Gone(key.clone(), Some(uid.clone()))),
            Err(error) => match classify("delete", key, error) {
                Error::NotFound => Ok(Change::Gone(key.clone(), Some(uid.clone()))),
                error => Err(error),
            },
        }
    }

    /// Creates an Event, and says whether it was this very request that did; that it exists already means that it was
    /// told. One that the server refuses is not told: nothing else may wait for that.
    pub async fn emit(&self, event: &Object) -> Result<bool, Error> {
        let key = Key::of(Kind::Event, event);
        match self.create(&key, event).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists) => Ok(false),
            Err(error) if error.is_refusal() => {
                tracing::warn!(%key, %error, "an Event is not told");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn log_request(&self, verb: &'static str, key: &Key) {
        tracing::debug!(verb, %key, "request");
        if let Some(request_hook) = &self.request_hook {
            request_hook(Outgoing { verb, key });
        }
    }

    fn api(&self, kind: Kind) -> Api<Object> {
        watch::api(&self.client, if kind == Kind::Event { EVENT_NAMESPACE } else { &self.namespace }, kind)
    }
}

/// The end of a text, from the beginning of a line on, and at most [`DIAGNOSTICS_BYTES_MAX`] of it.
async fn tail(mut text: impl AsyncRead + Unpin) -> std::io::Result<String> {
    let (mut kept, mut chunk, mut is_cut) = (Vec::new(), [0; DIAGNOSTICS_BYTES_MAX], false);
    loop {
        let read = text.read(&mut chunk).await?;
        if read == 0 {
            break;
        }
        kept.extend_from_slice(&chunk[..read]);
        let surplus = kept.len().saturating_sub(DIAGNOSTICS_BYTES_MAX);
        is_cut |= surplus > 0;
        kept.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&kept);
    // A cut line may begin with half a credential, which the redaction would not recognise.
    Ok(if is_cut { text.split_once('\n').map_or("", |(_, rest)| rest).to_owned() } else { text.into_owned() })
}

/// Whether a deletion was refused because the object of that name is another one.
fn is_about_namesake(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409 && status.message.contains("UID in precondition"))
}

/// Whether the answer to a deletion says that the object still has to come to its end.
fn is_on_its_way_out(object: &Object) -> bool {
    let ObjectMeta { deletion_grace_period_seconds, finalizers, .. } = &object.metadata;
    deletion_grace_period_seconds.is_some_and(|seconds| seconds > 0)
        || finalizers.as_ref().is_some_and(|f| !f.is_empty())
}

/// An answer as the cache keeps it: without managed fields, which this program never reads, and without large contents.
fn applied(key: &Key, mut object: Object) -> Result<Change, Error> {
    object.metadata.managed_fields = None;
    let is_build_input = key.kind == Kind::ConfigMap && !key.name.starts_with(&names::digest(""));
    if key.kind == Kind::MachineConfig || (is_build_input && !key.is_input_config_map()) {
        object.data = Value::Null;
    }
    Ok(Change::Applied(key.clone(), Arc::new(object)))
}

/// A JSON patch as Go would write it.
///
/// The API server compares the value of a `test` with its own byte by byte, and its own is written with these five
/// characters escaped. They occur in JSON within strings only, so replacing them changes no meaning.
fn escape_as_server(body: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(body).unwrap_or_default();
    let escape = |text: String, c: char| text.replace(c, &format!("\\u{:04x}", u32::from(c)));
    ['<', '>', '&', '\u{2028}', '\u{2029}'].into_iter().fold(text, escape).into_bytes()
}

/// A JSON patch whose `test` fails is answered with "Invalid" and no causes: for this program, that is a conflict. A
/// webhook may answer with the same code, and says that it was it.
fn patch_error(verb: &'static str, key: &Key, error: kube::Error) -> Error {
    let has_causes = |status: &kube::core::Status| status.details.as_ref().is_some_and(|d| !d.causes.is_empty());
    let is_denial = |status: &kube::core::Status| status.message.contains("denied the request");
    match &error {
        kube::Error::Api(status) if status.code == 422 && !has_causes(status) && !is_denial(status) => Error::Conflict,
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

/// What cannot be found by a creation is not the object: it is its namespace, or its kind, and the server says which.
/// What has changed meanwhile is not the object either: it is a quota, for instance.
fn create_error(key: &Key, error: kube::Error) -> Error {
    match &error {
        kube::Error::Api(status) if status.is_not_found() || (status.is_conflict() && !status.is_already_exists()) => {
            Error::Failed { verb: "create", key: key.clone(), source: Box::new(error) }
        }
        _ => classify("create", key, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_the_server_writes_them_and_mean_the_same() {
        let value = serde_json::json!([{"op": "test", "path": "/a", "value": "a && b -> <c>\u{2028}\u{2029}ü"}]);
        let escaped = escape_as_server(value.to_string().into_bytes());
        let text = String::from_utf8(escaped).unwrap();
        assert!(text.contains("a \\u0026\\u0026 b -\\u003e \\u003cc\\u003e\\u2028\\u2029ü"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
