//! The controls of one process's link.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use http::{Method, Request};
use kube::client::Body;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;
use tower::BoxError;

use super::body::Connection;
use super::events::Delayed;
use super::{Delivery, EventScript, Fate, LinkRequest, Script};

/// The state of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkState {
    Up,
    /// Connections are refused, and those that stood are cut; counts the cuts.
    Down,
    /// Nothing passes in either direction, and the connections stay open without an error.
    Silent,
    /// The process is paused: it sends its pending requests when it resumes.
    Paused,
    /// The process is dead: no answer ever reaches it.
    Dead,
}

/// Controls a link. Clones control the same one.
#[derive(Clone)]
pub struct LinkControl(Arc<Controls>);

struct Controls {
    state: watch::Sender<LinkState>,
    /// Notified each time that standing connections are cut; wakes them in the order in which they began to wait.
    cuts: broadcast::Sender<()>,
    /// Raised each time that standing connections fall silent for good.
    silences: AtomicU64,
    /// Notified when a paused process resumes; wakes its requests in the order in which they were made.
    resumed: Notify,
    script: Mutex<Script>,
    events: Mutex<EventScript>,
    passed: Mutex<Vec<LinkRequest>>,
    arrived: Mutex<Vec<(Instant, LinkRequest)>>,
    observer: Mutex<Option<Observer>>,
    tried: AtomicU64,
}

/// Called for each request that the API server has handled, at that moment.
pub type Observer = Box<dyn Fn(&LinkRequest) + Send>;

impl LinkControl {
    pub(super) fn new(script: Script) -> Self {
        Self(Arc::new(Controls {
            state: watch::Sender::new(LinkState::Up),
            cuts: broadcast::Sender::new(1),
            silences: AtomicU64::new(0),
            resumed: Notify::new(),
            script: Mutex::new(script),
            events: Mutex::new(Box::new(|_, _| Delivery::default())),
            passed: Mutex::default(),
            arrived: Mutex::default(),
            observer: Mutex::default(),
            tried: AtomicU64::new(0),
        }))
    }

    /// Refuses connections, and cuts those that stand.
    pub fn cut(&self) {
        self.0.state.send_replace(LinkState::Down);
        self.cut_standing();
    }

    /// Cuts the connections that stand, watches among them; new ones can be made.
    pub fn cut_standing(&self) {
        // None may stand.
        let _ = self.0.cuts.send(());
    }

    /// Lets nothing through, without an error.
    pub fn silence(&self) {
        self.0.state.send_replace(LinkState::Silent);
        self.silence_standing();
    }

    /// Silences the standing connections, watches among them, without an error; new ones can be made.
    pub fn silence_standing(&self) {
        self.0.silences.fetch_add(1, Ordering::SeqCst);
    }

    /// Lets everything through again, for new connections.
    pub fn restore(&self) {
        self.resume();
        if !self.is_dead() {
            self.0.state.send_replace(LinkState::Up);
        }
    }

    /// Pauses the process, as seen from outside: nothing reaches it, and its requests from here on are held back. They
    /// are sent when it resumes, even if the process has given them up by then.
    ///
    /// Its timers keep running. A process that is really suspended would notice late that it has lost the lease, and
    /// end late; this one ends in time. Its requests arrive all the later.
    pub fn pause(&self) {
        if *self.0.state.borrow() == LinkState::Up {
            self.0.state.send_replace(LinkState::Paused);
        }
    }

    /// Resumes the process. The connections that stood before the pause are cut.
    pub fn resume(&self) {
        if *self.0.state.borrow() == LinkState::Paused {
            self.0.state.send_replace(LinkState::Up);
            self.cut_standing();
        }
        self.0.resumed.notify_waiters();
    }

    /// Kills the process, as seen from outside: nothing of it arrives any more, and nothing reaches it.
    pub fn kill(&self) {
        self.0.state.send_replace(LinkState::Dead);
        self.silence_standing();
    }

    /// Whether the process is dead.
    pub fn is_dead(&self) -> bool {
        *self.0.state.borrow() == LinkState::Dead
    }

    /// Waits until the process is dead.
    pub async fn died(&self) {
        let mut state = self.0.state.subscribe();
        let _ = state.wait_for(|state| *state == LinkState::Dead).await;
    }

    /// The requests so far.
    pub fn passed(&self) -> Vec<LinkRequest> {
        self.0.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests were tried, connection or not; but for lists, watches and the lease.
    pub fn tried(&self) -> u64 {
        self.0.tried.load(Ordering::SeqCst)
    }

    /// The requests that the API server has answered so far, and when, whatever happened to the answers.
    pub fn arrived(&self) -> Vec<(Instant, LinkRequest)> {
        self.0.arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls `observer` for each request that the API server has handled, except requests held back by a pause: the
    /// process checked before the pause whether it might send them.
    pub fn observe(&self, observer: Observer) {
        *self.0.observer.lock().unwrap_or_else(PoisonError::into_inner) = Some(observer);
    }

    /// Sets the fate of requests from here on.
    pub fn set_script(&self, script: Script) {
        *self.0.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    /// Sets the fate of watch events from here on.
    pub fn set_event_script(&self, script: EventScript) {
        *self.0.events.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    /// The delay queue for the events of a watch.
    pub(super) fn delayed(&self, watch: usize) -> Delayed {
        let wire = self.clone();
        Delayed::new(Box::new(move |line| wire.0.events.lock().unwrap_or_else(PoisonError::into_inner)(watch, line)))
    }

    /// Counts a request, wherever it gets.
    pub(super) fn note_tried(&self, request: &Request<Body>) {
        let is_list_or_watch = request.method() == Method::GET && request.uri().query().is_some();
        if !is_list_or_watch && !request.uri().path().contains("/leases") {
            self.0.tried.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(super) fn next(&self, request: &Request<Body>) -> (LinkRequest, Fate) {
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let mut passed = self.0.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let passing = LinkRequest { number: passed.len(), method: request.method().clone(), path };
        passed.push(passing.clone());
        drop(passed);
        let fate = self.0.script.lock().unwrap_or_else(PoisonError::into_inner)(&passing);
        (passing, fate)
    }

    /// Notes that the API server has handled a request; `was_paused` says whether its process was paused when it sent
    /// it.
    pub(super) fn note_arrived(&self, passing: LinkRequest, was_paused: bool) {
        if !was_paused && let Some(observer) = &*self.0.observer.lock().unwrap_or_else(PoisonError::into_inner) {
            observer(&passing);
        }
        self.0.arrived.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), passing));
    }

    /// A connection that is made now.
    pub(super) fn connect(&self) -> Connection {
        let (mut cuts, wire) = (self.0.cuts.subscribe(), self.clone());
        let silences_before = self.0.silences.load(Ordering::SeqCst);
        let cut = async move {
            // It may have missed some of several.
            let _ = cuts.recv().await;
            "the connection was cut".into()
        };
        Connection {
            cut: cut.boxed(),
            is_mute: Box::new(move || wire.is_paused() || wire.0.silences.load(Ordering::SeqCst) > silences_before),
        }
    }

    /// Never returns on a silent or dead link; returns an error if connections are refused.
    pub(super) async fn pass(&self) -> Result<(), BoxError> {
        let resumed = self.0.resumed.notified();
        if self.is_paused() {
            resumed.await;
        }
        let state = *self.0.state.borrow();
        match state {
            LinkState::Up | LinkState::Paused => Ok(()),
            LinkState::Down => Err("connection refused".into()),
            LinkState::Silent | LinkState::Dead => pending().await,
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        *self.0.state.borrow() == LinkState::Paused
    }
}
