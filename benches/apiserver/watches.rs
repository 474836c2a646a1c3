//! Watch events: the changes are made before the measurement starts, and every watcher receives them. Items are events.

use divan::Bencher;
use divan::counter::ItemsCount;
use futures::future::join_all;
use http_body_util::BodyExt as _;

use crate::world::{Answer, CONFIG_MAPS, WAYS, Way, World, get, update};

/// Changes between two looks.
const CHANGES: usize = 100;

/// Reads as many events as there were changes.
async fn read(watch: &mut Answer) {
    let mut events = 0;
    while events < CHANGES {
        let frame = watch.frame().await.unwrap().unwrap();
        events += frame.data_ref().unwrap().iter().filter(|byte| **byte == b'\n').count();
    }
}

#[divan::bench(consts = [1, 100], args = WAYS, sample_count = 20, sample_size = 1)]
fn watchers<const WATCHERS: usize>(bencher: Bencher, way: Way) {
    let world = World::full(way);
    let path = format!("{CONFIG_MAPS}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan");
    let mut watches: Vec<Answer> = (0..WATCHERS).map(|_| world.open(get(&path))).collect();
    let mut letters = ["y", "x"].into_iter().cycle();
    let change = || {
        let letter = letters.next().unwrap();
        (0..CHANGES).for_each(|number| update(&world.server, number, letter));
    };
    bencher
        .counter(ItemsCount::new(WATCHERS * CHANGES))
        .with_inputs(change)
        .bench_local_values(|()| world.run(join_all(watches.iter_mut().map(read))));
}
