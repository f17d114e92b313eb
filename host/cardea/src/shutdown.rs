//! When to stop: the first SIGTERM or SIGINT drains, a second one ends the process at once.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for a signal to stop.
pub async fn asked() -> std::io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // Both are safe to drop half-way: a signal stays pending for the next wait.
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
