//! The control runtime: where everything runs that is neither a request nor the loading of a generation.
//!
//! One thread, so that none of it takes more than one core from the workers.

use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

pub struct Control {
    handle: Handle,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Control {
    pub fn start() -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let run = move || {
            // Either end is the end.
            let _ = runtime.block_on(stopped);
            // A name that is being looked up may keep a thread for longer than anybody would wait.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("control".into()).spawn(run)?;
        Ok(Self { handle, stop, thread })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Ends every task that still runs.
    pub fn stop(self) {
        // Both fail only where the thread is gone already.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
