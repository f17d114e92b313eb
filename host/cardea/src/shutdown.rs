//! When to stop: the first SIGTERM or SIGINT asks to; the next ones ask to hurry.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT, of which none is lost between two waits.
pub struct Signals {
    runtime: Runtime,
    term: Signal,
    int: Signal,
}

impl Signals {
    pub fn listen() -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (term, int) = {
            let _inside = runtime.enter();
            both()?
        };
        Ok(Self { runtime, term, int })
    }

    pub fn wait(&mut self) {
        self.runtime.block_on(either(&mut self.term, &mut self.int));
    }

    /// Until a signal or until `most` has passed.
    pub fn wait_at_most(&mut self, most: Duration) {
        let waiting = async { tokio::time::timeout(most, either(&mut self.term, &mut self.int)).await };
        // Both ends are what was waited for.
        let _ = self.runtime.block_on(waiting);
    }

    /// From now on a signal ends the process at once, with what is in flight.
    pub fn exit_at_next(mut self) -> anyhow::Result<()> {
        let wait = move || {
            self.wait();
            std::process::exit(1);
        };
        std::thread::Builder::new().name("signals".into()).spawn(wait)?;
        Ok(())
    }
}

/// The first signal, for a command that has nothing to drain.
pub async fn asked() -> std::io::Result<()> {
    let (mut term, mut int) = both()?;
    either(&mut term, &mut int).await;
    Ok(())
}

fn both() -> std::io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
}

async fn either(term: &mut Signal, int: &mut Signal) {
    // Both are safe to drop half-way: a signal stays pending for the next wait.
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
