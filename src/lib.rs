//! Builds layered OS images for MachineConfigPools, on the cluster.
//!
//! When a MachineConfigPool opts in to layering, its rendered MachineConfig is baked into an OS image: the base OS
//! image is taken, the config applied to it with Ignition in a container build, the result pushed, its digest
//! published on the pool. The pool's conditions are in lockstep with the build all the while, and nothing is left
//! behind. This crate is the in-cluster daemon that does so, and a local harness that runs it against clusters of
//! its own.
//!
//! # The picture
//!
//! ```text
//!            watches: one per kind, each with its own backoff          simulation, tests
//!  ┌───────┐ ───────────────────────────────► ┌────────────┐          ┌────────────────┐
//!  │  API  │                                  │ Supervisor │ slots    │   apiserver    │
//!  │ server│   ┌─────── changes ───────────── └─────┬──────┘          │ (in process)   │
//!  │       │   ▼                                    │ restarts        └────────────────┘
//!  │       │ ┌───────────┐  view   ┌────────┐       │
//!  │       │ │ PoolActor │ ──────► │ decide │ pure  │  one actor for each pool,
//!  │       │ │ "worker"  │ ◄────── └────────┘       │  one below it for each build
//!  │       │ └─────┬─────┘  one effect              │
//!  │       │       ▼ create, delete   ▲ status      │
//!  │       │ ┌────────────┐           │             │
//!  │       │ │ BuildActor │ ──────────┘             │
//!  │       │ └─────┬──────┘                         │
//!  │       │ ◄─────┴── door: patches, creates, deletes, Events
//!  └───────┘
//! ```
//!
//! Data flows one way: watch → [supervisor](actors) → pool → [`decide`](reconcile::decide::decide) → effect →
//! [door](cluster::client) → cluster. A message says that there is something new; what is due is decided from all that
//! is known. Everything that has to outlive the process is in the cluster itself: any actor, or the whole process,
//! may end at any moment, and its successor decides from what it finds.
//!
//! # The floors
//!
//! Each imports from those below it only.
//!
//! | floor | what is in it | what is not |
//! |---|---|---|
//! | [`cli`] | the subcommands: arguments in, results and errors out | |
//! | [`settings`] | what a daemon is started with: a file, checked | arguments |
//! | `simulation` | the local harness: node agent, renderer, checks, report | sockets |
//! | [`daemon`] | the actors put together over a way to an API server; what the process shows of itself over HTTP | |
//! | [`actors`] | supervisor, pools, builds, restarts, and counts of them | decisions |
//! | [`cluster`] | connection, transport, lease, watches, the door: all that talks to an API server | decisions |
//! | [`objects`](reconcile::objects) | the objects that run builds, made and read | I/O |
//! | [`reconcile`] | the pure core: what is wanted, what is there, the next step | clients, tasks, clocks, randomness |
//! | `images::build` | what a build pod would run, run on this machine | decisions |
//! | `images::inspect` | what a MachineConfig asks of an image, compared with what is in one | I/O |
//! | `images` | images, read from registries and files | |
//! | `apiserver` | an embedded API server, in process and over HTTPS, beside the rest: it knows nothing of builds | |
//! | [`causes`], [`clock`], [`encoding`], [`jitter`], [`stderr`], [`yaml`] | why errors happened, time, base64, waits, last words, and manifests | |
//! | [`api`] | the vocabulary: kinds, names, labels, conditions, limits | |
//!
//! # One build, from label to digest
//!
//! A pool `worker` wants `rendered-worker-1` and is labelled to opt in. Each line is one look of its actor, and the
//! one effect that it led to:
//!
//! 1. No slot is free: status shows `BuildPending`, reason `BuildQueued`, and since when. The supervisor hears of it,
//!    and grants slots in that order.
//! 2. The slot is granted: the MachineConfig is read, whole, and compressed. Its bytes are kept until step 6 only.
//! 3. The attempt is **claimed**: one patch of the pool, which tests what it was decided from, writes the input hash
//!    and the attempt's number into the annotation `build-record`. Of two processes that try, one succeeds.
//! 4. ConfigMap `mc-rendered-worker-1` is created by the build's actor,
//! 5. and ConfigMap `dockerfile-rendered-worker-1`,
//! 6. and Pod `build-rendered-worker-1`, or the Build of that name, which bears its inputs and their hash.
//! 7. The Event `BuildStarted` is told.
//! 8. `spec.configuration.source` refers to it,
//! 9. then the status does, and shows `BuildPending`.
//! 10. The watch tells that it runs; the build's actor reports it; the status shows `Building`.
//! 11. The container `image-push` ends with a digest as its termination message, or the Build is complete and bears
//!     one. One patch **publishes**: the image annotation, the record of the inputs that this very object was made
//!     from, and the reference out of the spec.
//! 12. The build object, its two ConfigMaps and the digest's are deleted, one look each, by UID. The digest's may be
//!     there unseen: unless it is known to be gone, it is looked for by name.
//! 13. The Event `BuildSucceeded` is told,
//! 14. and one status patch shows `BuildSuccess` and takes the reference out.
//!
//! Had the process died after any of these, the next one would have gone on with the line after it.
//!
//! # Invariants
//!
//! - **One of four**: of `BuildPending`, `Building`, `BuildSuccess` and `BuildFailed` at most one is True.
//! - **Claimed before made**: no build object is created before its attempt stands in the pool's record.
//! - **Published is built**: an image is published with the inputs that its own build object bears, never with
//!   today's.
//! - **Publish, clean up, say so**: in this order.
//! - **Level, not edge**: what is needed follows from recorded inputs against today's, never from having seen a change.
//! - **Nobody else's**: a patch touches only keys of this program, and tests the values that it replaces. Users'
//!   ConfigMaps and Secrets are never written; an object without our labels is never touched; deletions name a UID.
//! - **One acts**: of several processes, only the holder of the lease sends requests, and none past its renew deadline.
//! - **Load costs time only**: so many requests are under way at once, and so many MachineConfigs held, however many pools
//!   there are; the lease has a way and a thread of its own.
//! - **What is kept is what there is**: memory follows the objects that are there, not what was ever built.
//! - **Blind is not ready**: a watch that fails, or on which not even a sign of life arrives, is named by `/readyz`,
//!   and opened again. Where it is of a kind that a cluster may do without, only pools that need that kind wait.
//! - **History goes forward**: a cluster whose versions run backwards was restored from a backup; all that was known is
//!   forgotten then, and looked at anew.
//! - **Told once, counted once**: a transition is counted by whoever creates its Event, whose name lets only one do so.
//! - **No credential shows**: what holds one cannot be printed, and the words of others are scrubbed.
//! - **Rest is silence**: where nothing is due, no request is sent.
//! - **One pool's trouble is its own**: actors share no state but the supervisor's, which waits for nothing.

pub mod actors;
pub mod api;
#[cfg(feature = "simulation")]
pub mod apiserver;
pub mod causes;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod daemon;
pub mod encoding;
#[cfg(feature = "images")]
pub mod images;
pub mod jitter;
pub mod reconcile;
pub mod report;
pub mod settings;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod snapshot;
pub mod stderr;
pub mod yaml;
