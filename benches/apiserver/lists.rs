//! Many objects at once: items are objects.

use divan::Bencher;
use divan::counter::ItemsCount;

use crate::world::{CONFIG_MAPS, OBJECTS, WAYS, Way, World, get, update};

/// Objects of a page.
const PAGE: usize = 500;
/// The beginning of a list, in which its metadata is.
const HEAD_BYTES: usize = 400;

/// Reads the page after the one that ends with `token`, and gives its own token.
fn page(world: &World, token: &str) -> Option<String> {
    let answer = world.ask(get(&format!("{CONFIG_MAPS}?limit={PAGE}&continue={token}")));
    // It stands at the beginning; to parse the rest would take longer than to list it.
    let head = String::from_utf8_lossy(&answer[..HEAD_BYTES]);
    let token = head.split_once(r#""continue":""#)?.1.split('"').next()?;
    Some(token.to_owned())
}

/// Reads all objects, page by page, and does `between` after the first.
pub(crate) fn read(world: &World, between: impl Fn()) {
    let mut next = page(world, "");
    between();
    while let Some(token) = next {
        next = page(world, &token);
    }
}

/// All objects, in one answer.
#[divan::bench(args = WAYS, sample_count = 20, sample_size = 1)]
fn all(bencher: Bencher, way: Way) {
    let world = World::full(way);
    bencher.counter(ItemsCount::new(OBJECTS)).bench_local(|| world.ask(get(CONFIG_MAPS)));
}

/// The first page.
#[divan::bench(args = WAYS, sample_size = 5)]
fn one_page(bencher: Bencher, way: Way) {
    let world = World::full(way);
    bencher.counter(ItemsCount::new(PAGE)).bench_local(|| page(&world, ""));
}

/// All objects, page by page.
#[divan::bench(args = WAYS, sample_count = 20, sample_size = 1)]
fn all_pages(bencher: Bencher, way: Way) {
    let world = World::full(way);
    bencher.counter(ItemsCount::new(OBJECTS)).bench_local(|| read(&world, || {}));
}

/// The same, of which one changes after the first page: the others are of a version that is past.
#[divan::bench(args = WAYS, sample_count = 20, sample_size = 1)]
fn all_pages_of_the_past(bencher: Bencher, way: Way) {
    let world = World::full(way);
    let mut letters = ["y", "x"].into_iter().cycle();
    bencher
        .counter(ItemsCount::new(OBJECTS))
        .with_inputs(|| letters.next().unwrap())
        .bench_local_values(|letter| read(&world, || update(&world.server, 0, letter)));
}
