//! Costs of the embedded API server: time for each request, allocations, and memory.
//!
//! Rows are clients of the server: its `Handler` alone, kube's client `InProcess`, and kube's client over `Https`. All
//! of it runs on one thread, as `local-cluster` does, so the figures include both ends.

mod lists;
mod memory;
mod ready;
mod requests;
mod watches;
mod world;

use divan::AllocProfiler;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}
