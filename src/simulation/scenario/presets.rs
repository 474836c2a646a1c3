//! The named scenarios.

use std::time::Duration;

use super::amounts::{Every, Share};
use super::entries::{Admission, Builds, Neighbours, Network, Processes, Scenario, Users};
use crate::simulation::seed::Builder;

/// A scenario that has a name.
pub type Preset = (&'static str, fn() -> Scenario);

/// The scenarios that have a name.
pub const PRESETS: [Preset; 7] = [
    ("happy", happy),
    ("churn", churn),
    ("failures", failures),
    ("restarts", restarts),
    ("failover", failover),
    ("chaos", chaos),
    ("scale", scale),
];

const MINUTE: u64 = 60;

const fn minutes(minutes: u64) -> Every {
    Every::of(minutes * MINUTE)
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 60 * MINUTE)
}

/// Configs are rolled out, and nothing goes wrong.
fn happy() -> Scenario {
    Scenario { users: Users { rollouts: minutes(5), ..Users::default() }, faults: hours(1), ..Scenario::default() }
}

/// Users and neighbours change whatever there is to change.
fn churn() -> Scenario {
    Scenario {
        pools: 4,
        concurrent_builds: 2,
        builder: Builder::Mixed,
        users: users(),
        neighbours: neighbours(),
        faults: hours(2),
        ..Scenario::default()
    }
}

/// Builds end in each of the ways that they can end in.
fn failures() -> Scenario {
    Scenario {
        pools: 4,
        builder: Builder::Mixed,
        builds: builds(),
        users: Users { rollouts: minutes(10), rebuilds: minutes(20), edits: minutes(30), ..Users::default() },
        faults: hours(2),
        ..Scenario::default()
    }
}

/// One process, which crashes, stops and starts all the time.
fn restarts() -> Scenario {
    Scenario {
        processes: Processes { crashes: minutes(4), restarts: minutes(6), ..Processes::default() },
        users: Users { rollouts: minutes(5), opt_outs: minutes(20), ..Users::default() },
        faults: hours(2),
        ..Scenario::default()
    }
}

/// Three processes, of which now one acts and now another.
fn failover() -> Scenario {
    Scenario {
        replicas: 3,
        processes: Processes { crashes: minutes(8), restarts: minutes(8), ..Processes::default() },
        network: Network {
            partitions: minutes(8),
            cuts: minutes(15),
            lost: Share::of(0.02),
            slow: Share::of(0.05),
            ..Network::default()
        },
        users: Users { rollouts: minutes(5), ..Users::default() },
        faults: hours(2),
        ..Scenario::default()
    }
}

/// Everything at once, or most of it.
fn chaos() -> Scenario {
    Scenario {
        pools: 4,
        replicas: 2,
        builder: Builder::Mixed,
        concurrent_builds: 3,
        network: Network {
            cuts: minutes(8),
            silences: minutes(15),
            partitions: minutes(20),
            errors: Share::of(0.05),
            lost: Share::of(0.03),
            slow: Share::of(0.05),
            latency: Duration::from_millis(20),
            event_window: 48,
            lags: minutes(12),
            duplicates: Share::of(0.03),
            api_server_restarts: minutes(40),
        },
        processes: Processes {
            crashes: minutes(12),
            restarts: minutes(20),
            pauses: minutes(30),
            clock_errors: Duration::from_secs(3 * MINUTE),
        },
        builds: builds(),
        neighbours: neighbours(),
        admission: admission(),
        users: users(),
        swarm: true,
        faults: hours(2),
        ..Scenario::default()
    }
}

/// Many pools at once, over a network that loses little.
fn scale() -> Scenario {
    Scenario {
        pools: 150,
        replicas: 2,
        concurrent_builds: 20,
        network: Network { errors: Share::of(0.01), lost: Share::of(0.005), cuts: minutes(20), ..Network::default() },
        processes: Processes { crashes: minutes(30), ..Processes::default() },
        users: Users { rollouts: minutes(1), ..Users::default() },
        faults: hours(1),
        ..Scenario::default()
    }
}

fn builds() -> Builds {
    Builds {
        failures: Share::of(0.08),
        evictions: Share::of(0.06),
        node_losses: Share::of(0.04),
        registry_faults: Share::of(0.06),
        late_starts: Share::of(0.06),
        never_starts: Share::of(0.04),
        rejections: Share::of(0.05),
        out_of_memory: Share::of(0.02),
        unknown_ends: Share::of(0.03),
        init_failures: Share::of(0.02),
        full_disks: Share::of(0.03),
        start_errors: Share::of(0.02),
        overruns: Share::of(0.02),
        bare_ends: Share::of(0.02),
        deletions: minutes(20),
    }
}

fn neighbours() -> Neighbours {
    Neighbours {
        status_writes: Every::of(10),
        conflict_storms: minutes(45),
        degradations: minutes(25),
        resets: minutes(40),
    }
}

fn admission() -> Admission {
    Admission {
        quotas: minutes(40),
        pod_policies: minutes(40),
        pool_policies: minutes(50),
        webhook_outages: minutes(40),
    }
}

fn users() -> Users {
    Users {
        opt_outs: minutes(20),
        edits: minutes(10),
        bad_edits: minutes(25),
        rollouts: minutes(8),
        rebuilds: minutes(15),
        recreations: minutes(45),
    }
}
