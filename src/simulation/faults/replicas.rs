//! The daemon's processes. Each is restarted after it has ended, as a Deployment would do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use rand::RngExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::options::ReplicaOptions;
use super::{events, requests};
use crate::api::limits::REQUEST_TIMEOUT;
use crate::clock::Clock;
use crate::cluster::lease::Timing;
use crate::daemon;
use crate::daemon::replica::LeaderElectionConfig;
use crate::simulation::Process;
use crate::simulation::faults::link_control::LinkControl;
use crate::simulation::random::{stream, within};

/// The first of the streams of those that start processes: each place has one.
const STARTS: u64 = 1_000;
/// The first of the streams of clocks: each process has one.
const CLOCKS: u64 = 30_000;

/// The processes of the daemon.
pub struct Replicas {
    places: Vec<ReplicaSlot>,
    counts: Counts,
    options: ReplicaOptions,
    /// Ends the processes when it is dropped.
    _keepers: JoinSet<()>,
}

/// Counters of processes.
#[derive(Debug, Clone, Default)]
struct Counts {
    started: Arc<AtomicU64>,
    /// Requests that ended processes have tried.
    tried: Arc<AtomicU64>,
}

/// A slot for a process. When its process ends, another is started in it.
struct ReplicaSlot {
    commands: mpsc::UnboundedSender<Command>,
    wire: Arc<Mutex<Option<LinkControl>>>,
}

pub(super) enum Command {
    Crash,
    Stop,
}

impl Replicas {
    /// Starts this number of processes, and replaces each that ends. Needs a runtime.
    pub fn start(options: &ReplicaOptions, count: usize) -> Self {
        let mut keepers = JoinSet::new();
        let counts = Counts::default();
        let places = (0..count)
            .map(|place| {
                let (commands, receiver) = mpsc::unbounded_channel();
                let wire = Arc::default();
                keepers.spawn(keep(options.clone(), place as u64, receiver, Arc::clone(&wire), counts.clone()));
                ReplicaSlot { commands, wire }
            })
            .collect();
        Self { places, counts, options: options.clone(), _keepers: keepers }
    }

    /// The links of the running processes.
    pub fn wires(&self) -> Vec<LinkControl> {
        (0..self.places.len()).filter_map(|place| self.wire(place)).collect()
    }

    /// The link of the process in this slot, if it runs.
    pub(super) fn wire(&self, place: usize) -> Option<LinkControl> {
        self.places[place].wire.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many were started so far.
    pub fn started(&self) -> u64 {
        self.counts.started.load(Ordering::SeqCst)
    }

    /// How many requests they have tried so far; but for lists, watches and the lease.
    pub fn tried(&self) -> u64 {
        self.counts.tried.load(Ordering::SeqCst) + self.wires().iter().map(LinkControl::tried).sum::<u64>()
    }

    /// Requests made before may still take effect, for this long.
    pub fn tolerate(&self, time: Duration) {
        self.options.tolerate(time);
    }

    pub(super) fn command(&self, place: usize, command: Command) {
        self.tolerate(REQUEST_TIMEOUT);
        // The task that keeps the place ends only when this is dropped, so the send succeeds.
        let _ = self.places[place].commands.send(command);
    }
}

/// Keeps one place filled.
async fn keep(
    options: ReplicaOptions,
    place: u64,
    mut commands: mpsc::UnboundedReceiver<Command>,
    wire: Arc<Mutex<Option<LinkControl>>>,
    counts: Counts,
) {
    let mut random = stream(options.seed, STARTS + place);
    loop {
        let number = counts.started.fetch_add(1, Ordering::SeqCst);
        let mut process = start(&options, place, number);
        *wire.lock().unwrap_or_else(PoisonError::into_inner) = Some(process.wire().clone());
        tokio::select! {
            biased;
            _ = process.ended() => {}
            Some(command) = commands.recv() => {
                match command {
                    Command::Crash => process.crash(),
                    Command::Stop => process.tell_to_stop(),
                }
                process.ended().await;
            }
        }
        *wire.lock().unwrap_or_else(PoisonError::into_inner) = None;
        counts.tried.fetch_add(process.wire().tried(), Ordering::SeqCst);
        options.tolerate(REQUEST_TIMEOUT);
        time::sleep(within(&mut random, 1..30)).await;
    }
}

fn start(options: &ReplicaOptions, place: u64, number: u64) -> Process {
    let candidacy = LeaderElectionConfig { identity: format!("replica-{place}_{number}"), timing: Timing::default() };
    let seed = options.seed.wrapping_mul(1_000_003).wrapping_add(number);
    let daemon = daemon::DaemonOptions::new(options.settings.clone(), clock(options, number), seed);
    let (invariants, identity) = (options.invariants.clone(), candidacy.identity.clone());
    let process = Process::start(&options.server, Some(candidacy), daemon, requests::script(options, number));
    process.wire().set_event_script(events::script(options, number));
    process.wire().observe(Box::new(move |passing| invariants.arrived(&identity, passing)));
    process
}

/// The clock of the `number`th process: off by something, and set after a while, right every other time.
fn clock(options: &ReplicaOptions, number: u64) -> Clock {
    if options.clock_errors.is_zero() {
        return options.clock;
    }
    let mut random = stream(options.seed, CLOCKS + number);
    let mut error = || {
        let size = SignedDuration::try_from(options.clock_errors).unwrap_or(SignedDuration::MAX);
        let share = random.random_range(-1.0..1.0);
        SignedDuration::try_from_secs_f64(size.as_secs_f64() * share).unwrap_or_default()
    };
    let (first, other) = (error(), error());
    let set_at = Instant::now() + within(&mut random, 10..1800);
    let then = if random.random_bool(0.5) { SignedDuration::ZERO } else { other };
    options.clock.wrong_by(first, set_at, then)
}
