//! The zone that we run in: a label of our node, asked for until it is known.

use ::kube::{Api, Client};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Node;
use tokio::time::sleep;

use super::backoff::Backoff;
use super::fault::Fault;
use super::options::Notice;
use super::watch::Shared;
use super::watched::Change;

const ZONE: &str = "topology.kubernetes.io/zone";

/// Ends once it is known; a node does not move.
pub(super) async fn run(client: Client, node: Arc<str>, shared: Arc<Shared>) {
    let nodes: Api<Node> = Api::all(client);
    let mut backoff = Backoff::default();
    let mut told = None;
    loop {
        let failure = match nodes.get_metadata(&node).await {
            Ok(found) => match found.metadata.labels.and_then(|mut labels| labels.remove(ZONE)) {
                Some(zone) => return shared.inbox.post(Change::Zone(zone.into())),
                None => return,
            },
            Err(error) => Fault::from(error),
        };
        if told.as_ref() != Some(&failure) {
            let rule = "Grant the service account, by a ClusterRole: apiGroups: [\"\"], resources: [\"nodes\"], verbs: [\"get\"]";
            (shared.notice)(Notice::WatchFailed {
                kind: "Node",
                object: Some(node.to_string()),
                message: failure.message(),
                remedy: format!("{rule}; or give the zone with --zone"),
            });
            told = Some(failure);
        }
        sleep(backoff.next()).await;
    }
}
