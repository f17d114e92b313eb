//! Instances of policies that start slowly, or that work without requests, made on every worker before their version goes live,
//! so that no request waits for them.
//!
//! Whoever publishes waits until all workers are done, but not for long: a worker that is busy makes its instance when a
//! request wants one, as without this.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use cardea_policy::Policy;
use tokio::sync::watch;

use crate::live::Generation;
use crate::worker::Worker;

/// For all workers together.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is to be made ready next.
#[derive(Debug, Default)]
pub struct Warming(watch::Sender<Option<Arc<Round>>>);

#[derive(Debug)]
struct Round {
    policies: Vec<Arc<Policy>>,
    /// With which they go live.
    generation: u64,
    /// Workers that are not done.
    left: AtomicUsize,
    waits: Thread,
}

impl Warming {
    /// Waits until each worker has an instance of each policy, for a second at most.
    pub fn warm(&self, policies: Vec<Arc<Policy>>, generation: u64) {
        let workers = self.0.receiver_count();
        if policies.is_empty() || workers == 0 {
            return;
        }
        let round = Arc::new(Round { policies, generation, left: AtomicUsize::new(workers), waits: thread::current() });
        self.0.send_replace(Some(Arc::clone(&round)));
        let began = Instant::now();
        while round.left.load(Ordering::Acquire) > 0 && began.elapsed() < PATIENCE {
            thread::park_timeout(PATIENCE.saturating_sub(began.elapsed()));
        }
        self.0.send_replace(None);
    }
}

/// A worker's part, for as long as it runs.
pub async fn follow(worker: Rc<Worker>) {
    let mut news = worker.shared.warming.0.subscribe();
    while news.changed().await.is_ok() {
        let Some(round) = news.borrow_and_update().clone() else { continue };
        for policy in &round.policies {
            worker.instances.borrow_mut().warm(policy, round.generation);
            // Between two of them, requests have their turn.
            tokio::task::yield_now().await;
        }
        if round.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            round.waits.unpark();
        }
    }
}

/// Wakes what works without requests and is not awake yet: after the start of the process, or of a round that came too late here.
pub async fn wake(worker: &Rc<Worker>, generation: &Generation) {
    let members = generation.chains.iter().flat_map(|chain| chain.members.iter());
    for policy in members.filter_map(|member| member.loaded.as_ref()).filter(|policy| policy.is_eager()) {
        worker.instances.borrow_mut().warm(policy, generation.number);
        tokio::task::yield_now().await;
    }
}
