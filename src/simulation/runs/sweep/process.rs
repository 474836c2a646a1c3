//! The daemon's first process, and its successors.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ractor::SpawnErr;

use super::fault::InjectedFault;
use super::world::{SEED, World};
use crate::actors::ActorSettings;
use crate::cluster::client::RequestHook;
use crate::daemon::{self, Daemon};
use crate::simulation::faults::link_control::{Fate, Link, LinkControl, Script};

/// The requests that the actors of the first process were about to send, in order.
pub(super) type Announced = Arc<Mutex<Vec<String>>>;

/// The daemon's processes: one at a time.
pub(super) struct Processes {
    /// The wire of the first.
    pub first: LinkControl,
    pub announced: Announced,
    daemon: Daemon,
    wire: LinkControl,
    fault: Option<InjectedFault>,
    started: u64,
}

impl Processes {
    /// Starts a process at whose request number `at` there is a fault, if one is given.
    pub(super) async fn start(world: &World, fault: Option<(InjectedFault, usize)>) -> Result<Self, SpawnErr> {
        let announced = Announced::default();
        let panics_at = fault.filter(|(fault, _)| *fault == InjectedFault::Panics).map(|(_, at)| at);
        let request_hook = request_hook(announced.clone(), panics_at);
        let script = fault.map_or_else(arrives, |(fault, at)| fault.script(at));
        let (daemon, wire) = start(world, script, Some(request_hook), SEED).await?;
        Ok(Self { first: wire.clone(), announced, daemon, wire, fault: fault.map(|(fault, _)| fault), started: 1 })
    }

    /// Starts another process whenever one has died, until it is dropped.
    pub(super) async fn keep_up(mut self, world: &World) -> SpawnErr {
        loop {
            self.wire.died().await;
            self.daemon.kill().await;
            let script = self.fault.map_or_else(arrives, InjectedFault::script_of_successor);
            match start(world, script, None, SEED + self.started).await {
                Ok((daemon, wire)) => (self.daemon, self.wire) = (daemon, wire),
                Err(error) => return error,
            }
            self.started += 1;
        }
    }
}

async fn start(
    world: &World,
    script: Script,
    request_hook: Option<RequestHook>,
    seed: u64,
) -> Result<(Daemon, LinkControl), SpawnErr> {
    let (link, wire) = Link::new(world.server.service(), script);
    let options = daemon::DaemonOptions::new(ActorSettings::default(), world.clock, seed);
    Ok((Daemon::start(link, daemon::DaemonOptions { request_hook, ..options }).await?, wire))
}

fn arrives() -> Script {
    Box::new(|_| Fate::Arrives)
}

fn request_hook(announced: Announced, panics_at: Option<usize>) -> RequestHook {
    let count = AtomicUsize::new(0);
    Arc::new(move |outgoing| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let words = format!("{} {}", outgoing.verb, outgoing.key);
        announced.lock().unwrap_or_else(PoisonError::into_inner).push(words);
        if panics_at == Some(number) {
            // As a panic would, but without a report of it on standard error.
            std::panic::resume_unwind(Box::new("a fault of the simulation"));
        }
    })
}
