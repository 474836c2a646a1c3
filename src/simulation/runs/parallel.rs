//! Work on several threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The results of `work` on `items`, in their order; no item is begun after a result for which `is_last` holds. The
/// threads call `progress` with the number of finished items.
pub(super) fn in_parallel<T, R: Send>(
    threads: usize,
    items: impl Iterator<Item = T> + Send,
    progress: &(dyn Fn(usize) + Sync),
    work: impl Fn(T) -> R + Sync,
    is_last: impl Fn(&R) -> bool + Sync,
) -> Vec<R> {
    let (next, is_over, results) = (Mutex::new(items.enumerate()), AtomicBool::new(false), Mutex::new(Vec::new()));
    let run = || {
        while !is_over.load(Ordering::SeqCst) {
            let Some((index, item)) = next.lock().unwrap_or_else(PoisonError::into_inner).next() else { return };
            let result = work(item);
            if is_last(&result) {
                is_over.store(true, Ordering::SeqCst);
            }
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push((index, result));
            progress(results.len());
        }
    };
    thread::scope(|scope| (0..threads.max(1)).for_each(|_| drop(scope.spawn(run))));
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
