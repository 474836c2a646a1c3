//! Builds layered OS images for MachineConfigPools, on the cluster.
//!
//! When a MachineConfigPool opts in to layering, the daemon bakes its rendered MachineConfig into an OS image: a
//! container build takes the base OS image and applies the config with Ignition, pushes the result, and leaves its
//! digest. The daemon publishes the digest on the pool, keeps the pool's conditions in step with the build, and deletes
//! what it created. This crate is that daemon, and a local harness that runs it against simulated clusters.
//!
//! # Structure
//!
//! ```text
//!           watches, one per kind                                  simulation, tests
//! ┌────────┐ ────────────────────► ┌────────────┐                 ┌──────────────┐
//! │  API   │                       │ Supervisor │ slots, restarts │  apiserver   │
//! │ server │                       └─────┬──────┘                 │ (in process) │
//! │        │                    changes  ▼                        └──────────────┘
//! │        │               ┌───────────────────────┐
//! │        │               │       PoolActor       │ one for each pool with a label or leftovers
//! │        │               │ ┌───────────────────┐ │
//! │        │               │ │    PoolMachine    │ │ pure: update, step, completed
//! │        │               │ └───────────────────┘ │
//! │        │ ◄── patches,  └─────┬──────────▲──────┘
//! │        │     Events          │ effects  │ answers
//! │        │               ┌─────▼──────────┴──────┐
//! │        │ ◄── creates,  │      BuildActor       │ one for each build
//! └────────┘     deletes   └───────────────────────┘
//! ```
//!
//! Data flows one way: watch → [supervisor](actors) → pool actor → [`PoolMachine`](reconcile::machine::PoolMachine) →
//! [`decide`](reconcile::decide::decide) → effects → [cluster client](cluster::client) → API server. Both actors below
//! the supervisor send their requests through the cluster client. From other actors, a pool actor receives only newer
//! facts, never an order: the machine decides from all that it knows. Everything that has to outlive the process is in
//! the cluster: an actor, or the whole process, may end at any moment, and its successor decides from what the cluster
//! contains.
//!
//! In simulations and tests, `apiserver` takes the place of the API server. `status` and `explain` drive the same
//! machine, and so do the property tests. Beside the pool actors, one actor emits Events about inputs of no pool.
//!
//! # Floors
//!
//! A module imports only from the floors below its own. `tests/it/house` holds every file to this table.
//!
//! | floor | contains | does not contain |
//! |---|---|---|
//! | [`cli`] | one file per subcommand: arguments in, results and errors out | |
//! | [`settings`] | the settings file of a daemon, checked | arguments |
//! | `simulation` | the local harness: simulated node, renderer, faults, invariants, report | sockets |
//! | [`daemon`] | the wiring of the actors, leadership, the admin server, metrics | |
//! | [`actors`] | supervisor, pools, builds, restarts: drivers | decisions |
//! | [`snapshot`] | a read-only view of a cluster, for reports | writes |
//! | [`report`] | the state of a pool, in words and as data | I/O |
//! | [`cluster`] | connection, transport, lease, watches, client: how the daemon talks to an API server | decisions |
//! | `images` | images in registries and files, local builds, and a comparison with a MachineConfig | decisions |
//! | [`reconcile`] | the pure core: inputs, objects, build record, decisions, the machine of a pool | clients, tasks |
//! | `apiserver` | an embedded API server, in process and over HTTPS; it knows nothing of builds | |
//! | [`causes`], [`clock`], [`encoding`], [`jitter`], [`stderr`], [`yaml`] | helpers, each with one concern | builds |
//! | [`api`] | the vocabulary: kinds, names, labels, conditions, limits | |
//!
//! # One build, from label to digest
//!
//! A pool `worker` has the label and wants `rendered-worker-1`. Each line is one step of its machine, with the effects
//! that it asks for:
//!
//! 1. No slot is free: the status shows `BuildPending`, reason `BuildQueued`, and since when. The supervisor grants
//!    slots in that order.
//! 2. The pool has a slot: the pool actor reads and compresses the MachineConfig. It keeps the bytes until step 4 only.
//! 3. The pool actor **claims** the attempt: one patch of the pool, which tests the values that it was decided from,
//!    writes the input hash and the attempt's number into the annotation `build-record`. If two processes claim the
//!    same attempt, the patch of only one succeeds.
//! 4. The build actor creates the ConfigMaps `mc-rendered-worker-1` and `dockerfile-rendered-worker-1`, both at once.
//! 5. It creates Pod `build-rendered-worker-1`, or the Build of that name, which bears its inputs and their hash.
//! 6. The pool actor emits the Event `BuildStarted`.
//! 7. `spec.configuration.source` refers to the build object,
//! 8. then the status does, and shows `BuildPending`.
//! 9. The watch reports that the build runs: the status shows `Building`.
//! 10. The container `image-push` ends with a digest as its termination message, or the Build is complete and bears one.
//!     One patch **publishes**: the image annotation, the record of the inputs that this very object was made from, and
//!     the removal of the reference.
//! 11. The build actor deletes the build object, then the ConfigMaps, by UID. A digest ConfigMap that no watch has
//!     reported is read by name first.
//! 12. The pool actor emits the Event `BuildSucceeded`,
//! 13. and one status patch shows `BuildSuccess` and removes the reference.
//!
//! If the process ends after any of these, its successor goes on with the next.
//!
//! # Invariants
//!
//! - **One of four**: of `BuildPending`, `Building`, `BuildSuccess` and `BuildFailed` at most one is True.
//! - **Claim, then create**: the daemon creates no build object before its attempt stands in the pool's record.
//! - **Published is built**: the daemon publishes an image with the inputs that its build object bears, never with
//!   today's.
//! - **Publish, clean up, report**: in this order.
//! - **Level-triggered**: the daemon compares recorded inputs with today's; a missed event loses no build.
//! - **Own fields only**: a patch touches only keys of this program, and tests the values that it replaces. The daemon
//!   never writes users' ConfigMaps and Secrets, never touches an object without its labels, and deletes by UID.
//! - **One leader**: of several daemons, only the holder of the lease sends requests, apart from those for the Lease
//!   itself, and none past its renew deadline.
//! - **Load costs time only**: requests under way and MachineConfigs in memory are bounded, however many pools there are;
//!   the lease has a connection and a thread of its own.
//! - **Memory follows the cluster**: it depends on the objects that exist, not on the number of builds made.
//! - **Readiness needs watches**: `/readyz` names a watch that fails or falls silent, and the daemon opens it again.
//!   It fails unless the kind of the watch is optional: then only the pools that need that kind wait.
//! - **Restored backups**: if resource versions decrease, a backup was restored: the daemon drops its cache and lists
//!   anew.
//! - **Emitted once, counted once**: the process that creates an Event counts the transition, and the Event's name lets
//!   only one process create it.
//! - **No credential shows**: values that hold one cannot be printed, and the daemon redacts the words of others.
//! - **No traffic at rest**: where nothing is due, the daemon sends no request besides those of its watches and for the
//!   Lease.
//! - **Isolated failures**: actors share no state but the supervisor's, which never waits for an answer.

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
