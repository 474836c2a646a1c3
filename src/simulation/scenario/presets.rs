//! The named scenarios.

/// A scenario that has a name: the name, and the entries of its file.
pub type Preset = (&'static str, &'static [&'static str]);

/// The scenarios that have a name, in the form of scenario files.
pub const PRESETS: [Preset; 7] = [
    // Configs are rolled out, and nothing goes wrong.
    ("happy", &["faults: 1h", "users: {rollouts: 5m}"]),
    // Users and neighbours change whatever there is to change.
    ("churn", &["faults: 2h", "pools: 4", "concurrent-builds: 2", "builder: mixed", USERS, NEIGHBOURS]),
    // Builds end in each of the ways that they can end in.
    (
        "failures",
        &["faults: 2h", "pools: 4", "builder: mixed", BUILDS, "users: {rollouts: 10m, rebuilds: 20m, edits: 30m}"],
    ),
    // One process, which crashes, stops and starts all the time.
    ("restarts", &["faults: 2h", "processes: {crashes: 4m, restarts: 6m}", "users: {rollouts: 5m, opt-outs: 20m}"]),
    // Three processes, of which now one acts and now another.
    (
        "failover",
        &[
            "faults: 2h",
            "replicas: 3",
            "processes: {crashes: 8m, restarts: 8m}",
            "network: {partitions: 8m, cuts: 15m, lost: 0.02, slow: 0.05}",
            "users: {rollouts: 5m}",
        ],
    ),
    // Everything at once, or most of it.
    (
        "chaos",
        &[
            "faults: 2h",
            "swarm: true",
            "pools: 4",
            "replicas: 2",
            "builder: mixed",
            "concurrent-builds: 3",
            "network: {cuts: 8m, silences: 15m, partitions: 20m, errors: 0.05, lost: 0.03, slow: 0.05, latency: 20ms, \
             event-window: 48, lags: 12m, duplicates: 0.03, api-server-restarts: 40m}",
            "processes: {crashes: 12m, restarts: 20m, pauses: 30m, clock-errors: 3m}",
            "admission: {quotas: 40m, pod-policies: 40m, pool-policies: 50m, webhook-outages: 40m}",
            BUILDS,
            NEIGHBOURS,
            USERS,
        ],
    ),
    // Many pools at once, over a network that loses little.
    (
        "scale",
        &[
            "faults: 1h",
            "pools: 150",
            "replicas: 2",
            "concurrent-builds: 20",
            "network: {errors: 0.01, lost: 0.005, cuts: 20m}",
            "processes: {crashes: 30m}",
            "users: {rollouts: 1m}",
        ],
    ),
];

/// Every end of a build that is not the usual one.
const BUILDS: &str = "builds: {failures: 0.08, evictions: 0.06, node-losses: 0.04, registry-faults: 0.06, \
    late-starts: 0.06, never-starts: 0.04, rejections: 0.05, out-of-memory: 0.02, unknown-ends: 0.03, \
    init-failures: 0.02, full-disks: 0.03, start-errors: 0.02, overruns: 0.02, bare-ends: 0.02, deletions: 20m}";
/// All that other controllers do.
const NEIGHBOURS: &str = "neighbours: {status-writes: 10s, conflict-storms: 45m, degradations: 25m, resets: 40m}";
/// All that users do.
const USERS: &str = "users: {opt-outs: 20m, edits: 10m, bad-edits: 25m, rollouts: 8m, rebuilds: 15m, recreations: 45m}";
