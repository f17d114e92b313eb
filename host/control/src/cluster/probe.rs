//! Whether the API server is there at all: a small question now and then.
//!
//! A quiet watch says nothing about a server that hangs or a network that is cut. When the server is back, every watch
//! is told, so that none waits for its backoff or for a connection that has died.

use std::sync::Arc;
use std::time::Duration;

use ::kube::{Client, Error};
use tokio::time::{sleep, timeout};

use super::watch::Shared;

const EVERY: Duration = Duration::from_secs(10);
const EVERY_WHILE_AWAY: Duration = Duration::from_secs(1);
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Ends only by being dropped, which loses nothing.
pub(super) async fn run(client: Client, shared: Arc<Shared>) {
    loop {
        if answers(&client).await {
            let was_away = shared.health.is_away();
            shared.health.contact();
            if was_away {
                shared.returned.send_modify(|times| *times += 1);
            }
            sleep(EVERY).await;
        } else {
            shared.health.away();
            sleep(EVERY_WHILE_AWAY).await;
        }
    }
}

/// Any answer is one, also a refusal; but not that of a server that cannot serve.
async fn answers(client: &Client) -> bool {
    let Ok(request) = http::Request::get("/version").body(Vec::new()) else { return true };
    match timeout(ANSWER_MAX, client.request_text(request)).await {
        Ok(Ok(_)) => true,
        Ok(Err(Error::Api(status))) => status.code < 500,
        Ok(Err(_)) | Err(_) => false,
    }
}
