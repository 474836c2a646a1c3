//! Who may build: at most so many at once, in the order in which they began to wait.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// What a pool wants of the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// Nothing.
    None,
    /// A slot, since this moment.
    Wait(Timestamp),
    /// It builds, and holds a slot, whoever gave it.
    Hold,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Waiting(Timestamp),
    Granted,
    Holding,
}

/// The slots, and who waits for one.
#[derive(Debug)]
pub struct Slots {
    limit: usize,
    places: BTreeMap<String, Place>,
}

impl Slots {
    /// Slots for `limit` builds at once; 0 is no limit.
    pub const fn new(limit: usize) -> Self {
        Self { limit, places: BTreeMap::new() }
    }

    /// Takes note of what `pool` wants.
    pub fn set(&mut self, pool: &str, demand: Demand) {
        let place = match (demand, self.places.get(pool)) {
            (Demand::None, _) => {
                self.places.remove(pool);
                return;
            }
            (Demand::Hold, _) => Place::Holding,
            // A grant is on its way to the pool, or the pool has yet to make use of it.
            (Demand::Wait(_), Some(Place::Granted)) => return,
            (Demand::Wait(since), _) => Place::Waiting(since),
        };
        self.places.insert(pool.to_owned(), place);
    }

    /// Gives the free slots to those that have waited longest, and names them.
    pub fn grant(&mut self) -> Vec<String> {
        let taken = self.places.values().filter(|place| !matches!(place, Place::Waiting(_))).count();
        let free = if self.limit == 0 { usize::MAX } else { self.limit.saturating_sub(taken) };
        let waiting: BTreeSet<(Timestamp, String)> = self
            .places
            .iter()
            .filter_map(|(pool, place)| match place {
                Place::Waiting(since) if free > 0 => Some((*since, pool.clone())),
                _ => None,
            })
            .collect();
        let granted: Vec<String> = waiting.into_iter().take(free).map(|(_, pool)| pool).collect();
        for pool in &granted {
            self.places.insert(pool.clone(), Place::Granted);
        }
        granted
    }

    /// The pools that hold a slot or were granted one, and those that wait.
    pub fn occupancy(&self) -> (usize, usize) {
        let waiting = self.places.values().filter(|place| matches!(place, Place::Waiting(_))).count();
        (self.places.len() - waiting, waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Demand {
        Demand::Wait(Timestamp::from_second(second).unwrap())
    }

    #[test]
    fn first_come_first_served_whatever_the_order_of_asking() {
        let mut slots = Slots::new(2);
        for (pool, since) in [("a", 3), ("b", 1), ("c", 2)] {
            slots.set(pool, at(since));
        }
        assert_eq!(slots.grant(), ["b", "c"]);
        assert!(slots.grant().is_empty());
        slots.set("b", Demand::Hold);
        slots.set("b", Demand::None);
        assert_eq!(slots.grant(), ["a"]);
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
        assert_eq!(slots.grant(), ["c"]);
    }

    #[test]
    fn a_grant_stands_while_the_pool_still_asks_and_a_superseded_build_queues_again() {
        let mut slots = Slots::new(1);
        slots.set("a", at(1));
        assert_eq!(slots.grant(), ["a"]);
        slots.set("a", at(1));
        slots.set("b", at(2));
        assert!(slots.grant().is_empty());
        slots.set("a", Demand::Hold);
        slots.set("a", at(3));
        assert_eq!(slots.grant(), ["b"]);
        assert_eq!(slots.occupancy(), (1, 1));
    }

    #[test]
    fn zero_is_no_limit() {
        let mut slots = Slots::new(0);
        (0..100).for_each(|n| slots.set(&format!("p{n}"), at(n)));
        assert_eq!(slots.grant().len(), 100);
    }
}
