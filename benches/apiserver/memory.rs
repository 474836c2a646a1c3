//! The memory of 10,000 ConfigMaps of 1 KB: the bytes of `max alloc`, without those of an empty server.

use divan::Bencher;
use machine_os_builder::apiserver::{Identity, ServerOptions};

use crate::lists;
use crate::world::{OBJECTS, Way, World, options, update};

/// Fills a server that keeps `window` changes, and does `then` what else takes memory.
fn measure(bencher: Bencher, window: usize, then: impl Fn(&World)) {
    let options = ServerOptions { event_window: window, log_length: 1, ..options() };
    let new = || World::new(Way::Handler, options, &Identity::generate().unwrap());
    bencher.with_inputs(new).bench_local_values(|world| {
        world.fill();
        then(&world);
        // Given back, it is freed after the bytes were counted.
        world
    });
}

/// The objects alone, each with the JSON that its creation was answered with.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn stored(bencher: Bencher) {
    measure(bencher, 0, |_| {});
}

/// The same, with the JSON that they are listed as.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn stored_and_listed(bencher: Bencher) {
    measure(bencher, 0, |world| lists::read(world, || {}));
}

/// The objects, and the changes that created them.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn stored_and_in_window(bencher: Bencher) {
    measure(bencher, OBJECTS, |_| {});
}

/// The objects, the changes that gave each another text, and what each was before.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn updated_and_in_window(bencher: Bencher) {
    measure(bencher, OBJECTS, |world| (0..OBJECTS).for_each(|number| update(&world.server, number, "y")));
}
