//! What a name outside of the cluster stands for, looked up again and again.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{sleep, timeout};

use super::inbox::Inbox;
use super::watched::Change;

/// The resolver of the system tells no lifetime of its answers.
const EVERY: Duration = Duration::from_secs(30);
const EVERY_WHILE_FAILING: Duration = Duration::from_secs(5);
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Ends only by being dropped, which loses nothing.
pub(super) async fn run(host: Arc<str>, inbox: Arc<Inbox>) {
    let mut told = None;
    loop {
        let found = resolve(&host).await;
        let pause = if found.is_ok() { EVERY } else { EVERY_WHILE_FAILING };
        if told.as_ref() != Some(&found) {
            inbox.post(Change::Resolved { host: Arc::clone(&host), found: found.clone() });
            told = Some(found);
        }
        sleep(pause).await;
    }
}

async fn resolve(host: &str) -> Result<Vec<IpAddr>, String> {
    match timeout(ANSWER_MAX, lookup_host((host, 0))).await {
        Ok(Ok(found)) => {
            let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            // Resolvers rotate their answers, which is no change.
            addresses.sort_unstable();
            addresses.dedup();
            Ok(addresses)
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}
