//! Swarm scenarios: each seed leaves out some of the faults.
//!
//! Faults hide each other: if a process crashes every few minutes, a watch that has gone blind has no visible effect.
//! So a search over seeds finds more if most seeds run without some of the faults, each without different ones.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::entries::{Admission, Builds, Neighbours, Network, Processes, Scenario, Users};
use crate::simulation::random::stream;

/// The stream of random numbers that selects the faults to leave out.
const STREAM: u64 = 90;

/// The shares of the listed entries that are kept; each seed has one of these.
const SHARES: [f64; 4] = [1.0, 0.6, 0.4, 0.2];

impl Scenario {
    /// The scenario of the run with `seed`: complete, unless the scenario is a swarm.
    #[must_use]
    pub fn of_seed(&self, seed: u64) -> Self {
        let mut scenario = self.clone();
        if self.swarm {
            let mut random = stream(seed, STREAM);
            let share = SHARES[random.random_range(0..SHARES.len())];
            thin(&mut scenario, &mut Thinning { random, share });
        }
        scenario
    }
}

/// Draws the entries to leave out.
struct Thinning {
    random: ChaCha8Rng,
    share: f64,
}

impl Thinning {
    fn maybe<T: Default>(&mut self, amount: &mut T) {
        if !self.random.random_bool(self.share) {
            *amount = T::default();
        }
    }
}

/// Leaves out what `thinning` draws. Rollouts of configs always stay: without them, nothing is built.
fn thin(scenario: &mut Scenario, thinning: &mut Thinning) {
    let Network {
        cuts,
        silences,
        partitions,
        errors,
        lost,
        slow,
        latency: _,
        event_window: _,
        lags,
        duplicates,
        api_server_restarts,
    } = &mut scenario.network;
    let everies = [cuts, silences, partitions, lags, api_server_restarts];
    everies.into_iter().for_each(|every| thinning.maybe(every));
    [errors, lost, slow, duplicates].into_iter().for_each(|share| thinning.maybe(share));
    let Processes { crashes, restarts, pauses, clock_errors } = &mut scenario.processes;
    [crashes, restarts, pauses].into_iter().for_each(|every| thinning.maybe(every));
    thinning.maybe(clock_errors);
    thin_builds(&mut scenario.builds, thinning);
    let Neighbours { status_writes, conflict_storms, degradations, resets } = &mut scenario.neighbours;
    [status_writes, conflict_storms, degradations, resets].into_iter().for_each(|every| thinning.maybe(every));
    let Admission { quotas, pod_policies, pool_policies, webhook_outages } = &mut scenario.admission;
    [quotas, pod_policies, pool_policies, webhook_outages].into_iter().for_each(|every| thinning.maybe(every));
    let Users { opt_outs, edits, bad_edits, rollouts: _, rebuilds, recreations } = &mut scenario.users;
    [opt_outs, edits, bad_edits, rebuilds, recreations].into_iter().for_each(|every| thinning.maybe(every));
}

fn thin_builds(builds: &mut Builds, thinning: &mut Thinning) {
    let Builds {
        failures,
        evictions,
        node_losses,
        registry_faults,
        late_starts,
        never_starts,
        rejections,
        out_of_memory,
        unknown_ends,
        init_failures,
        full_disks,
        start_errors,
        overruns,
        bare_ends,
        deletions,
    } = builds;
    let shares = [failures, evictions, node_losses, registry_faults, late_starts, never_starts];
    shares.into_iter().for_each(|share| thinning.maybe(share));
    let shares =
        [rejections, out_of_memory, unknown_ends, init_failures, full_disks, start_errors, overruns, bare_ends];
    shares.into_iter().for_each(|share| thinning.maybe(share));
    thinning.maybe(deletions);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::scenario::named;

    #[test]
    fn each_seed_of_a_swarm_goes_without_something_else_and_always_without_the_same() {
        let chaos = named("chaos").unwrap();
        let thinned: Vec<Scenario> = (1..=20).map(|seed| chaos.of_seed(seed)).collect();
        assert!(thinned.contains(&chaos), "some go without nothing");
        assert!(thinned.windows(2).any(|pair| pair[0] != pair[1]));
        assert!(thinned.iter().all(|scenario| scenario.users.rollouts == chaos.users.rollouts));
        assert_eq!(chaos.of_seed(7), thinned[6]);
        let everything = Scenario { swarm: false, ..chaos };
        assert_eq!(everything.of_seed(3), everything);
    }
}
