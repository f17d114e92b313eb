//! How many threads share a list of jobs: every core, bounded.

use std::sync::atomic::{AtomicUsize, Ordering};

const THREADS_MAX: usize = 8;

/// Applies `work` to every item, results in order; `None` where a thread panicked.
pub(super) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<Option<R>> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(item) = items.get(at)
        {
            done.push((at, work(item)));
        }
        done
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(THREADS_MAX).min(items.len());
    let done: Vec<Vec<(usize, R)>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    for (at, result) in done.into_iter().flatten() {
        if let Some(slot) = results.get_mut(at) {
            *slot = Some(result);
        }
    }
    results
}
