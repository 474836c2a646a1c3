//! Every limit, in one place; units come last in a name.

use std::time::Duration;

/// Longest label value, in bytes (Kubernetes).
pub const LABEL_VALUE_BYTES_MAX: usize = 63;
/// Longest name in the key of a label or an annotation, in bytes (Kubernetes).
pub const LABEL_NAME_BYTES_MAX: usize = 63;
/// Most that the annotations of an object hold, in bytes (Kubernetes).
pub const ANNOTATIONS_BYTES_MAX: usize = 256 << 10;
/// Longest image tag, in bytes (OCI distribution).
pub const TAG_BYTES_MAX: usize = 128;
/// Longest object name, in bytes (Kubernetes, DNS-1123 subdomain).
pub const NAME_BYTES_MAX: usize = 253;
/// Most that a ConfigMap holds, in bytes (Kubernetes): the sum of its keys' and values' lengths.
pub const CONFIG_MAP_BYTES_MAX: usize = 1 << 20;
/// Most that a Build holds of a Containerfile, in bytes (OpenShift, of `spec.source.dockerfile`).
pub const BUILD_CONTAINERFILE_BYTES_MAX: usize = 60_000;
/// Longest message of a condition, in bytes.
pub const CONDITION_MESSAGE_BYTES_MAX: usize = 1024;
/// Longest account of a loss, with the last lines of output, in bytes.
pub const LOSS_BYTES_MAX: usize = 640;
/// Longest cause of a lost attempt in the build record, in bytes.
pub const LOST_CAUSE_BYTES_MAX: usize = 200;
/// Most lost attempts whose causes the build record keeps.
pub const LOST_ATTEMPTS_MAX: usize = 10;
/// Most builds in the history of the build record.
pub const HISTORY_MAX: usize = 10;
/// Most that the history takes in the build record, in bytes.
pub const HISTORY_BYTES_MAX: usize = 2048;
/// How long a build pod may take to end after its deletion.
pub const POD_GRACE_PERIOD_S: i64 = 10;
/// How long past its deletion deadline an object may stay before it is deleted by force.
pub const FORCED_DELETION_AFTER_S: i64 = 60;
/// Builds that run at once, unless a setting says otherwise.
pub const CONCURRENT_BUILDS_DEFAULT: usize = 5;
/// How long a build object may take to start, unless a setting says otherwise.
pub const PENDING_DEADLINE_DEFAULT: Duration = Duration::from_secs(600);
/// How long a build may run, unless a setting says otherwise.
pub const BUILD_DEADLINE_DEFAULT: Duration = Duration::from_secs(3600);
/// Longest deadline of a pod (Kubernetes).
pub const POD_DEADLINE_MAX: Duration = Duration::from_secs(i32::MAX as u64);

/// Longest time to look for what else is said about a build that did not succeed.
pub const DIAGNOSTICS_TIMEOUT: Duration = Duration::from_secs(2);
/// Most lines of a log that one request reads: more than fit into a condition's message.
pub const DIAGNOSTICS_LINES_MAX: i64 = 40;
/// Most of a log that is kept, in bytes: its end.
pub const DIAGNOSTICS_BYTES_MAX: usize = 4096;

/// How often the daemon tries to read the digest of a build that has succeeded.
pub const DIGEST_TRIES_MAX: u32 = 4;
/// Wait between two of them, and after the first one that failed.
pub const DIGEST_INTERVAL: Duration = Duration::from_secs(2);
/// Times that reading a digest may fail; with the waits between them, a server has some ten minutes to recover.
pub const DIGEST_FAILURES_MAX: u32 = 15;
/// Longest wait after a failure.
pub const DIGEST_BACKOFF_MAX: Duration = Duration::from_secs(60);

/// Attempts at a build whose object is lost, the first included.
pub const ATTEMPTS_MAX_DEFAULT: u32 = 3;
/// Wait before the second attempt; doubled with each further one.
pub const RETRY_BACKOFF_FIRST: Duration = Duration::from_secs(60);
/// Longest wait between two attempts.
pub const RETRY_BACKOFF_MAX: Duration = Duration::from_secs(600);

/// Longest wait for the head of an answer to one request, and for each further part of it; watches have their own.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The same of a write: an API server that asks a webhook waits for its answer for 10 s, unless it is set otherwise.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(12);
/// How long a write is sent again and again at a server's request, in all, without a word about it to users.
pub const WRITE_HELD_BACK_MAX: Duration = Duration::from_secs(12);
/// Times that one request is sent, the first included.
pub const REQUEST_TRIES_MAX: u32 = 4;
/// Wait before a request is sent again; doubled with each further time, and jittered.
pub const REQUEST_BACKOFF_FIRST: Duration = Duration::from_millis(200);
/// Longest wait that a server's `Retry-After` is honoured for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Requests that are under way at once, watches aside; the lease has its own way.
pub const REQUESTS_UNDER_WAY_MAX: usize = 32;
/// MachineConfigs that are held at once, each from when it is read until its ConfigMap is made.
pub const PAYLOADS_MAX: usize = 8;

/// First wait before a failed watch is opened again.
pub const WATCH_BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// Longest wait before a failed watch is opened again.
pub const WATCH_BACKOFF_MAX: Duration = Duration::from_secs(30);
/// Longest time between two signs of life of a watch on which nothing happens: API servers send a bookmark each minute,
/// or up to a quarter later, so that not all are sent at once.
pub const WATCH_SIGN_INTERVAL_MAX: Duration = Duration::from_secs(75);
/// How long a watch may fail, or its sign of life be overdue, before the daemon is not ready: long enough for an API
/// server to be started again.
pub const WATCH_STALE_AFTER: Duration = Duration::from_secs(30);
/// Silence after which a watch is opened again: two signs of life are missing, and no more than one may be late.
pub const WATCH_SILENCE_MAX: Duration = Duration::from_secs(150);
/// How long each request for a watch asks to be told of changes.
pub const WATCH_TIMEOUT_S: u32 = 290;
/// A watch that ends sooner after it was asked for was cut short: each asks to be ended a second later.
pub const WATCH_CUT_BEFORE: Duration = Duration::from_secs(289);
/// How long a watch that was cut short and opened again may stay silent before it is seen whether the cluster has come to
/// the version that it goes on from.
pub const WATCH_DOUBT_AFTER: Duration = Duration::from_secs(5);
/// How long to wait for the first list of a kind that a cluster may do without, once all others are there.
pub const OPTIONAL_LIST_WAIT: Duration = Duration::from_secs(5);
/// The longest interval between tries to watch a kind that the cluster does not serve.
pub const UNSERVED_INTERVAL: Duration = Duration::from_secs(60);

/// First wait of a pool whose last effect failed.
pub const POOL_BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// Longest wait of a pool whose effects keep failing.
pub const POOL_BACKOFF_MAX: Duration = Duration::from_secs(30);
/// First wait after the API server refused a write.
pub const REFUSAL_BACKOFF_FIRST: Duration = Duration::from_secs(2);
/// Longest wait between two tries of a write that the API server refuses.
pub const REFUSAL_BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long the API server has to answer a write with a failure of its own before that is taken for a refusal.
pub const TROUBLE_IS_REFUSAL_AFTER: Duration = Duration::from_secs(4);
/// How long a pool actor waits for an Event before it goes on without it.
pub const EVENT_WAIT: Duration = Duration::from_secs(2);
/// First wait before the retry of an Event.
pub const EVENT_BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// Longest wait before the retry of an Event.
pub const EVENT_BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How often the daemon tries to emit an Event; with the waits between, a server has about a quarter of an hour to
/// recover.
pub const EVENT_TRIES_MAX: u32 = 24;
/// Most Events that wait to be emitted.
pub const EVENTS_UNTOLD_MAX: usize = 512;
/// How long a key may match no pool before the daemon emits an Event about it: users often create a pool a moment after
/// its inputs.
pub const INPUTS_SETTLE_TIME: Duration = Duration::from_secs(2);
/// Wait before telling of it is tried again.
pub const INPUTS_RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// How often the daemon reads a foreign object under a build object's name.
pub const NAME_CONFLICT_INTERVAL_S: i64 = 60;

/// First wait before a crashed actor is started again.
pub const RESTART_BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// Longest wait before a crashed actor is started again, outside a meltdown.
pub const RESTART_BACKOFF_MAX: Duration = Duration::from_secs(60);
/// Crashes within [`MELTDOWN_WINDOW`] that make a meltdown.
pub const MELTDOWN_CRASHES: usize = 5;
/// How far back crashes are counted.
pub const MELTDOWN_WINDOW: Duration = Duration::from_secs(300);
/// Wait before an actor in meltdown is started again.
pub const MELTDOWN_BACKOFF: Duration = Duration::from_secs(600);
/// Longest wait for an actor to finish its work when the daemon stops.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(8);

/// Largest manifest, index or config of an image that is read, in bytes: registries need not take larger manifests
/// (OCI distribution).
pub const IMAGE_DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// Largest file of an image whose contents are kept in memory, in bytes; of all others, the hash is.
pub const IMAGE_FILE_KEPT_BYTES_MAX: u64 = 16 << 20;
/// Most symbolic links that are followed on the way to one file (as Linux does).
pub const SYMLINKS_FOLLOWED_MAX: usize = 40;
/// Longest wait for a connection to a registry.
pub const REGISTRY_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the next part of a registry's answer.
pub const REGISTRY_READ_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a build on this machine may take to end once it is told to: buildah clears up for several seconds.
pub const LOCAL_BUILD_GRACE_PERIOD: Duration = Duration::from_secs(30);
