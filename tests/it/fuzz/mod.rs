//! The fuzz tests send valid requests and mutations of them. Each must get a complete answer; a refused one must write
//! nothing, and a stored object must be readable by get, list and watch.
//!
//! A run is defined by a seed: it has a server of its own, and draws its requests from the seed and from the stored
//! objects. So each run can be repeated: `FUZZ_SEEDS=17..18 cargo test --test it fuzz::`.

mod check;
mod corpus;
mod document;
mod mutate;
mod request;
mod samples;
pub(crate) mod values;
mod world;

use std::ops::Range;
use std::sync::Mutex;
use std::{env, iter, thread};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use request::Asked;
use world::World;

/// Requests of one run. Over more of them, a server would fill up with what the first ones left.
const REQUESTS: usize = 400;

/// Says how to see a failure again.
struct Repeat<'a> {
    seed: u64,
    number: usize,
    asked: &'a Asked,
}

impl Drop for Repeat<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let Self { seed, number, asked } = self;
            eprintln!("FUZZ_SEEDS={seed}..{} shows it again, in request {number}:\n{asked}", *seed + 1);
        }
    }
}

/// Sends the requests of one seed, and tells how many the server accepted.
fn run(seed: u64) -> usize {
    // A run never waits for a timer, so virtual time stands still.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let _entered = runtime.enter();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut world = World::new(seed);
    let mut accepted = 0;
    for number in 0..REQUESTS {
        let mut asked = corpus::request(&mut random, &world);
        mutate::mutate(&mut asked, &mut random, &world);
        let _repeat = Repeat { seed, number, asked: &asked };
        accepted += usize::from(check::request(&mut world, &asked));
        if number + 1 == REQUESTS {
            check::everything(&mut world);
        }
    }
    accepted
}

fn run_all(seeds: Range<u64>) {
    let seeds = env::var("FUZZ_SEEDS").map_or(seeds, |given| {
        let (first, end) = given.split_once("..").expect("FUZZ_SEEDS is a range, as in 17..18");
        first.parse().unwrap()..end.parse().unwrap()
    });
    let requests = REQUESTS * seeds.clone().count();
    let left = Mutex::new(seeds);
    let next = || left.lock().unwrap().next();
    let work = || iter::from_fn(next).map(run).sum::<usize>();
    let accepted: usize = thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("no run fails")).sum()
    });
    println!("{requests} requests, of which {accepted} were accepted");
    // Requests that are all refused, or none of them, would prove little.
    assert!((requests / 5..requests * 4 / 5).contains(&accepted), "{accepted} of {requests}");
}

#[test]
fn mutated_requests_do_no_harm() {
    run_all(0..8);
}

#[test]
#[ignore = "100,000 requests: takes most of a minute"]
fn a_hundred_thousand_mutated_requests_do_no_harm() {
    run_all(1_000..1_250);
}
