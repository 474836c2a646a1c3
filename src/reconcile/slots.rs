//! Build slots: a limited number of pools builds at once, in the order in which they began to wait.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// What a pool wants of the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// Nothing.
    None,
    /// A slot, since this moment.
    Wait(Timestamp),
    /// The pool builds and holds a slot, even if this process never granted it.
    Hold,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlotState {
    Waiting(Timestamp),
    Granted,
    Holding,
}

/// The slots, and who waits for one.
#[derive(Debug)]
pub struct Slots {
    limit: usize,
    places: BTreeMap<String, SlotState>,
}

impl Slots {
    /// Slots for `limit` builds at once; 0 is no limit.
    pub const fn new(limit: usize) -> Self {
        Self { limit, places: BTreeMap::new() }
    }

    /// Takes note of what `pool` wants.
    pub fn set(&mut self, pool: &str, demand: Demand) {
        let place = match demand {
            Demand::None => {
                self.places.remove(pool);
                return;
            }
            Demand::Hold => SlotState::Holding,
            // A pool that asks has no slot, even if a grant is under way to a previous actor of it.
            Demand::Wait(since) => SlotState::Waiting(since),
        };
        self.places.insert(pool.to_owned(), place);
    }

    /// The actor of `pool` has ended: what it waited for, it waits for no more; what it builds in is still in use.
    pub fn abandon(&mut self, pool: &str) {
        if self.places.get(pool).is_some_and(|place| *place != SlotState::Holding) {
            self.places.remove(pool);
        }
    }

    /// Gives the free slots to those that have waited longest: names them, and since when they have waited.
    pub fn grant(&mut self) -> Vec<(String, Timestamp)> {
        let taken = self.places.values().filter(|place| !matches!(place, SlotState::Waiting(_))).count();
        let free = if self.limit == 0 { usize::MAX } else { self.limit.saturating_sub(taken) };
        let waiting: BTreeSet<(Timestamp, String)> = self
            .places
            .iter()
            .filter_map(|(pool, place)| match place {
                SlotState::Waiting(since) if free > 0 => Some((*since, pool.clone())),
                _ => None,
            })
            .collect();
        let granted: Vec<_> = waiting.into_iter().take(free).map(|(since, pool)| (pool, since)).collect();
        for (pool, _) in &granted {
            self.places.insert(pool.clone(), SlotState::Granted);
        }
        granted
    }

    /// The pools that hold a slot or were granted one, and those that wait.
    pub fn occupancy(&self) -> (usize, usize) {
        let waiting = self.places.values().filter(|place| matches!(place, SlotState::Waiting(_))).count();
        (self.places.len() - waiting, waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Demand {
        Demand::Wait(Timestamp::from_second(second).unwrap())
    }

    fn granted(slots: &mut Slots) -> Vec<String> {
        slots.grant().into_iter().map(|(pool, _)| pool).collect()
    }

    #[test]
    fn first_come_first_served_whatever_the_order_of_asking() {
        let mut slots = Slots::new(2);
        for (pool, since) in [("a", 3), ("b", 1), ("c", 2)] {
            slots.set(pool, at(since));
        }
        assert_eq!(granted(&mut slots), ["b", "c"]);
        assert!(slots.grant().is_empty());
        slots.set("b", Demand::Hold);
        slots.set("b", Demand::None);
        assert_eq!(granted(&mut slots), ["a"]);
    }

    #[test]
    fn who_builds_already_counts_even_beyond_the_limit() {
        let mut slots = Slots::new(1);
        slots.set("a", Demand::Hold);
        slots.set("b", Demand::Hold);
        slots.set("c", at(1));
        slots.set("a", Demand::None);
        assert!(slots.grant().is_empty());
        slots.set("b", Demand::None);
        assert_eq!(granted(&mut slots), ["c"]);
    }

    #[test]
    fn a_grant_that_was_lost_with_its_pools_actor_is_given_again() {
        let mut slots = Slots::new(1);
        slots.set("a", at(1));
        assert_eq!(granted(&mut slots), ["a"]);
        slots.set("b", at(2));
        assert!(slots.grant().is_empty());
        slots.set("a", at(1));
        assert_eq!(granted(&mut slots), ["a"]);
    }

    #[test]
    fn a_superseded_build_queues_again() {
        let mut slots = Slots::new(1);
        slots.set("a", Demand::Hold);
        slots.set("b", at(2));
        slots.set("a", at(3));
        assert_eq!(granted(&mut slots), ["b"]);
        assert_eq!(slots.occupancy(), (1, 1));
    }

    #[test]
    fn zero_is_no_limit() {
        let mut slots = Slots::new(0);
        (0..100).for_each(|n| slots.set(&format!("p{n}"), at(n)));
        assert_eq!(slots.grant().len(), 100);
    }
}
