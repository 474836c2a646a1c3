//! Following the changes of objects.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use super::list::select;
use super::meta;
use super::print::Printer;
use super::route::Query;
use super::selector::Filter;
use super::state::Inner;
use super::status::{FieldError, StatusError};
use super::store::{Change, Object, Store};

/// How long a watch goes on that does not say.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(1800);
/// The interval of bookmarks, with or without changes (Kubernetes: about a minute).
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);
/// Changes that are made into lines at once.
const BATCH: usize = 64;
/// The annotation of the bookmark that follows the objects that are there at first.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// Where a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// With the changes after a version.
    After(u64),
    /// With the changes from now on.
    Now,
    /// With the objects that are there.
    Objects,
}

/// One watch, and how far it has come.
pub(super) struct Watcher {
    server: Arc<Inner>,
    collection: usize,
    filter: Filter,
    printer: Printer,
    /// The version of the last change that was looked at.
    position: u64,
    pending: VecDeque<Bytes>,
    news: Receiver<()>,
    deadline: Instant,
    next_bookmark: Instant,
    bookmarks: bool,
    is_over: bool,
}

impl Watcher {
    /// A watch of the objects of one collection that pass `filter`, as a query wants it.
    pub(super) fn new(
        server: &Arc<Inner>,
        collection: usize,
        filter: Filter,
        printer: Printer,
        query: &Query<'_>,
    ) -> Result<Self, StatusError> {
        let timeout = query.number("timeoutSeconds")?.filter(|seconds| *seconds > 0);
        let timeout = timeout.map_or(TIMEOUT_DEFAULT, Duration::from_secs);
        let now = Instant::now();
        let store = server.store();
        let start = start(query)?;
        let mut watcher = Self {
            server: Arc::clone(server),
            collection,
            filter,
            printer,
            position: store.version,
            pending: VecDeque::new(),
            news: store.collections[collection].news.subscribe(),
            deadline: now.checked_add(timeout).unwrap_or(now + TIMEOUT_DEFAULT),
            next_bookmark: now + BOOKMARK_INTERVAL,
            bookmarks: query.flag("allowWatchBookmarks"),
            is_over: false,
        };
        match start {
            Start::After(version) => watcher.position = version,
            Start::Now => {}
            Start::Objects => watcher.begin(&store, query.flag("sendInitialEvents")),
        }
        drop(store);
        Ok(watcher)
    }

    /// Queues the objects that are there.
    fn begin(&mut self, store: &Store, has_end: bool) {
        let objects = &store.collections[self.collection].objects;
        for (_, object) in select(objects, &self.filter, None) {
            self.pending.push_back(line("ADDED", &self.printer.object(object)));
        }
        if has_end && self.bookmarks {
            let annotations = json!({INITIAL_EVENTS_END: "true"});
            self.pending.push_back(self.bookmark(store.version, &annotations));
        }
    }

    /// The events, a line each.
    pub(super) fn lines(self) -> impl Stream<Item = Bytes> + Send + 'static {
        futures::stream::unfold(self, |mut watcher| async move {
            let line = watcher.next().await?;
            Some((line, watcher))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.pending.pop_front() {
                return Some(line);
            }
            if self.is_over {
                return None;
            }
            // Marked as seen before the changes are read: one that comes in between wakes the watch again.
            self.news = self.news.resubscribe();
            if self.refill() {
                continue;
            }
            tokio::select! {
                biased;
                () = sleep_until(self.deadline) => {
                    self.is_over = true;
                    self.tell_position();
                }
                () = sleep_until(self.next_bookmark), if self.bookmarks => self.tell_position(),
                news = self.news.recv() => self.is_over = news == Err(RecvError::Closed),
            }
        }
    }

    /// Takes in the next changes. Tells whether there were any.
    fn refill(&mut self) -> bool {
        let server = Arc::clone(&self.server);
        let store = server.store();
        let collection = &store.collections[self.collection];
        if self.position < collection.dropped {
            let message = format!("too old resource version: {} ({})", self.position, collection.dropped);
            self.pending.push_back(line("ERROR", StatusError::expired(message).body().to_string().as_bytes()));
            self.is_over = true;
            return true;
        }
        let changes: Vec<_> = collection.changes_after(self.position).take(BATCH).cloned().collect();
        drop(store);
        for change in &changes {
            self.position = change.version;
            self.pending.extend(event(change, &self.filter, &self.printer));
        }
        !changes.is_empty()
    }

    /// Queues a bookmark, for a client that wants them.
    fn tell_position(&mut self) {
        if !self.bookmarks {
            return;
        }
        let server = Arc::clone(&self.server);
        let store = server.store();
        let collection = &store.collections[self.collection];
        if self.position < collection.dropped {
            // It would hide what is not kept any more.
            return;
        }
        // A change at this very moment comes before the bookmark that would hide it.
        for change in collection.changes_after(self.position) {
            self.pending.extend(event(change, &self.filter, &self.printer));
        }
        self.next_bookmark = Instant::now() + BOOKMARK_INTERVAL;
        if self.position > store.version {
            // The real server also sends no bookmark older than the requested version.
            return;
        }
        self.position = store.version;
        self.pending.push_back(self.bookmark(self.position, &json!({})));
    }

    fn bookmark(&self, version: u64, annotations: &Value) -> Bytes {
        let metadata =
            json!({"resourceVersion": version.to_string(), "creationTimestamp": null, "annotations": annotations});
        let object = self.printer.bookmark(&metadata);
        line("BOOKMARK", object.to_string().as_bytes())
    }
}

/// Where the watch begins that a query asks for.
fn start(query: &Query<'_>) -> Result<Start, StatusError> {
    let version = query.version()?;
    let version_match = query.get("resourceVersionMatch");
    let refuse = |why| {
        let cause = FieldError::forbidden("resourceVersionMatch", why);
        Err(StatusError::invalid_options("ListOptions", &cause))
    };
    match query.get("sendInitialEvents") {
        "" if !version_match.is_empty() => {
            refuse("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
        }
        "" => Ok(version.map_or(Start::Objects, Start::After)),
        _ if version_match != "NotOlderThan" => {
            refuse("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        }
        _ if query.flag("sendInitialEvents") => Ok(Start::Objects),
        _ => Ok(version.map_or(Start::Now, Start::After)),
    }
}

fn line(event: &str, object: &[u8]) -> Bytes {
    [br#"{"type":""#, event.as_bytes(), br#"","object":"#, object, b"}\n"].concat().into()
}

/// The event for a change, as a watch with `filter` gets it; none if the filter excludes the object before and after.
fn event(change: &Change, filter: &Filter, printer: &Printer) -> Option<Bytes> {
    let passes = !change.is_deletion && filter.passes(&change.object.value);
    let passed = change.previous.as_ref().filter(|previous| filter.passes(&previous.value));
    Some(match (passes, passed) {
        (true, None) => line("ADDED", &printer.object(&change.object)),
        (true, Some(_)) => line("MODIFIED", &printer.object(&change.object)),
        (false, None) => return None,
        (false, Some(_)) if change.is_deletion => line("DELETED", &printer.object(&change.object)),
        (false, Some(previous)) => {
            // A watch gets the last state that passed the filter, with the version of the change.
            let mut value = previous.value.clone();
            value["metadata"]["resourceVersion"] = meta::metadata(&change.object.value, "resourceVersion").into();
            line("DELETED", &printer.object(&Object::new(value)))
        }
    })
}
