//! What the embedded API server takes: time for each request, allocations, and memory.
//!
//! Rows are ways to the server: its `Handler` alone, kube's client `InProcess`, and kube's client over `Https`. All of it
//! runs on one thread, as `local-cluster` does, so that what is counted is both ends.

#[path = "apiserver/lists.rs"]
mod lists;
#[path = "apiserver/memory.rs"]
mod memory;
#[path = "apiserver/ready.rs"]
mod ready;
#[path = "apiserver/requests.rs"]
mod requests;
#[path = "apiserver/watches.rs"]
mod watches;
#[path = "apiserver/world.rs"]
mod world;

use divan::AllocProfiler;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}
