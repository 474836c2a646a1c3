//! A process of the daemon in a simulation: a replica with its own link, which can crash, stop on request, and lose its
//! connection.

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::faults::link_control::{Link, LinkControl, Script};
use crate::apiserver::{ApiServer, InProcess};
use crate::daemon::replica::{ExitReason, LeaderElectionConfig, Replica};
use crate::daemon::{DaemonOptions, Inspector};

/// A process of the daemon.
pub struct Process {
    wire: LinkControl,
    stop: Option<oneshot::Sender<()>>,
    acts: watch::Receiver<Option<Inspector>>,
    task: JoinHandle<Option<ExitReason>>,
}

impl Process {
    /// Starts a process whose requests to `server` follow `script`. Without a candidacy, it acts from the start.
    ///
    /// Needs a runtime.
    pub fn start(
        server: &ApiServer,
        candidacy: Option<LeaderElectionConfig>,
        options: DaemonOptions,
        script: Script,
    ) -> Self {
        Self::start_by(server.service(), candidacy, options, script)
    }

    /// The same, by a connection to the server, which may be that of a user who may not do everything.
    pub fn start_by(
        service: InProcess,
        candidacy: Option<LeaderElectionConfig>,
        options: DaemonOptions,
        script: Script,
    ) -> Self {
        let (link, wire) = Link::new(service, script);
        let (stop, told_to_stop) = oneshot::channel();
        let (shows, acts) = watch::channel(None);
        let replica = Replica::new(link, candidacy, options);
        let task = tokio::spawn({
            let wire = wire.clone();
            async move {
                let stop = async { drop(told_to_stop.await) };
                tokio::select! {
                    biased;
                    () = wire.died() => None,
                    end = replica.run(stop, |inspector| drop(shows.send_replace(Some(inspector)))) => end.ok(),
                }
            }
        });
        Self { wire, stop: Some(stop), acts, task }
    }

    /// The link of its requests.
    pub const fn wire(&self) -> &LinkControl {
        &self.wire
    }

    /// Whether it has begun to act, and not ended since.
    pub fn is_acting(&self) -> bool {
        !self.has_ended() && self.acts.borrow().is_some()
    }

    /// Whether it has ended: by itself, or by a crash.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits until it acts; false if it ends before that.
    pub async fn acts(&mut self) -> bool {
        self.acts.wait_for(Option::is_some).await.is_ok()
    }

    /// Ends it at once, in the middle of whatever it does; what it has sent may arrive.
    pub fn crash(&self) {
        self.wire.kill();
    }

    /// Asks it to stop, as SIGTERM does.
    pub fn tell_to_stop(&mut self) {
        // A process that has already ended needs no request to stop.
        self.stop.take().map(|stop| stop.send(()));
    }

    /// Waits until it has ended, and says how; `None` for a crash.
    pub async fn ended(&mut self) -> Option<ExitReason> {
        (&mut self.task).await.ok().flatten()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.task.abort();
    }
}
