//! The statuses that a kubelet writes for pods that build no image.

use serde_json::{Value, json};

use super::pod::{NODE_LOST, PodRunner};
use crate::reconcile::objects::pod::IMAGE_BUILD;
use crate::simulation::outcome::BuildOutcome;

/// The exit code of a process that was killed.
const KILLED: i32 = 137;
/// The exit code of a container whose program could not be started.
const NOT_STARTED: i32 = 128;

/// The init container that others have added to a pod, where one has to fail.
const INJECTED: &str = "injected-setup";

impl PodRunner {
    /// The status of a pod that ends before any of its containers runs; none if it does not.
    pub(super) fn end_before_start(&self) -> Option<Value> {
        match self.ending {
            // The kubelet takes no note of containers that it never had.
            BuildOutcome::Rejected(rejection) => {
                let (reason, message) = rejection.words();
                Some(json!({"phase": "Failed", "reason": reason, "message": message}))
            }
            BuildOutcome::InitFails => Some(self.init_failed()),
            BuildOutcome::CannotRun => Some(self.not_started()),
            _ => None,
        }
    }

    fn init_failed(&self) -> Value {
        let message = "iptables: Permission denied (you must be root)";
        let end = json!({"terminated": {"exitCode": 1, "reason": "Error", "message": message}});
        let waiting = json!({"waiting": {"reason": "PodInitializing"}});
        let waiting: Vec<Value> =
            self.containers().iter().map(|container| self.container_status(&container.name, false, &waiting)).collect();
        let condition = json!({"type": "Initialized", "status": "False", "reason": "ContainersNotInitialized",
            "message": format!("containers with incomplete status: [{INJECTED}]")});
        json!({
            "phase": "Failed",
            "conditions": [condition],
            "initContainerStatuses": [self.container_status(INJECTED, false, &end)],
            "containerStatuses": waiting,
        })
    }

    fn not_started(&self) -> Value {
        let message = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc \
                       create failed: unable to start container process: exec: \"/bin/bash\": stat /bin/bash: no such \
                       file or directory";
        let containers = self.ends(|name| match name {
            IMAGE_BUILD => (NOT_STARTED, "StartError", message),
            _ => (1, "Error", ""),
        });
        json!({"phase": "Failed", "containerStatuses": containers})
    }

    /// The statuses, one after the other, of a pod whose build ends without an image; none if it does not.
    pub(super) fn bad_ends(&self) -> Vec<Value> {
        let (code, message) = match self.ending {
            BuildOutcome::Fails => (20, "Error: building at STEP \"RUN ignition-apply\": exit status 1"),
            BuildOutcome::DiskFull => {
                (20, "Error: committing container: write /var/tmp/layer: no space left on device")
            }
            BuildOutcome::BadPayload => (10, "gzip: stdin: unexpected end of file"),
            BuildOutcome::PullFails => (30, "Error: initializing source: connection reset by peer"),
            BuildOutcome::PullDenied => (31, "Error: initializing source: unauthorized"),
            BuildOutcome::PullImpossible => (32, "Error: initializing source: reading manifest: manifest unknown"),
            BuildOutcome::PushFails => (40, "Error: pushing image: connection reset by peer"),
            BuildOutcome::PushDenied => (41, "Error: pushing image: denied"),
            BuildOutcome::PushImpossible => (
                42,
                "Error: pushing image: tls: failed to verify certificate: x509: certificate signed by unknown authority",
            ),
            BuildOutcome::OutOfMemory => return self.out_of_memory(),
            BuildOutcome::Overruns => {
                let message = "Pod was active on the node longer than the specified deadline";
                return vec![self.killed("DeadlineExceeded", message, &Value::Null)];
            }
            BuildOutcome::Bare => return vec![json!({"phase": "Failed"})],
            BuildOutcome::Unknown => return vec![self.unknown()],
            BuildOutcome::Evicted => return vec![self.evicted()],
            // The containers may still run: the API server cannot know.
            BuildOutcome::NodeLost => {
                return vec![json!({"phase": "Running", "reason": NODE_LOST, "message": "no word of it"})];
            }
            BuildOutcome::Succeeds | BuildOutcome::PullBackOff | BuildOutcome::NeverStarts => return Vec::new(),
            BuildOutcome::Rejected(_) | BuildOutcome::InitFails | BuildOutcome::CannotRun => return Vec::new(),
        };
        let of = if code >= 40 { self.pusher() } else { IMAGE_BUILD };
        self.log(of, message);
        vec![json!({"phase": "Failed", "containerStatuses": self.all_ended(of, code, message)})]
    }

    /// The build container is killed; the other containers notice later.
    fn out_of_memory(&self) -> Vec<Value> {
        let killed = (KILLED, "OOMKilled", "");
        let end = |name: &str| if name == IMAGE_BUILD { killed } else { (1, "Error", "") };
        let first = self.containers().iter().map(|container| match container.name.as_str() {
            IMAGE_BUILD => self.ended(IMAGE_BUILD, killed),
            other => self.running(other),
        });
        vec![
            json!({"phase": "Running", "containerStatuses": first.collect::<Vec<_>>()}),
            json!({"phase": "Failed", "containerStatuses": self.ends(end)}),
        ]
    }

    fn unknown(&self) -> Value {
        let message = "The container could not be located when the pod was terminated";
        json!({"phase": "Failed", "containerStatuses": self.ends(|_| (KILLED, "ContainerStatusUnknown", message))})
    }

    fn evicted(&self) -> Value {
        let message =
            "The node was low on resource: ephemeral-storage. Threshold quantity: 12884901888, available: 9437184Ki.";
        let condition = json!({"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet",
            "message": message});
        self.killed("Evicted", message, &json!([condition]))
    }

    /// The kubelet has ended all containers.
    fn killed(&self, reason: &str, message: &str, conditions: &Value) -> Value {
        let containers = self.ends(|_| (KILLED, "Error", ""));
        let mut status =
            json!({"phase": "Failed", "reason": reason, "message": message, "containerStatuses": containers});
        if !conditions.is_null() {
            status["conditions"] = conditions.clone();
        }
        status
    }

    /// All containers, each ended with the exit code, the reason and the message that `end` says.
    fn ends<'m>(&self, end: impl Fn(&str) -> (i32, &'m str, &'m str)) -> Vec<Value> {
        self.containers().iter().map(|container| self.ended(&container.name, end(&container.name))).collect()
    }
}
