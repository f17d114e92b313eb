//! Which addresses reach this ingress from outside: given, or read from a Service or from the nodes of our Pods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use kube::Client;
use kube::api::{Api, ListParams};
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::watch;

use super::notice::{Notice, Notify, api_remedy, explain};
use super::status::address;
use super::{Address, ObjectName};

/// Where the addresses in the status of Ingresses come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Publish {
    /// No status is written.
    #[default]
    Nothing,
    Addresses(Vec<Address>),
    /// Those of the Service in front of us.
    Service(ObjectName),
    /// Those of the nodes on which Pods like this one, our own, run.
    Nodes(ObjectName),
}

/// Sorted, each once; `None` while they are not known.
pub type Published = Option<Arc<[Address]>>;

/// How often the nodes are looked at. A Pod seldom moves, and a node's address never changes.
const NODES_EVERY: Duration = Duration::from_secs(10);

/// Keeps `published` true, for ever.
pub(super) async fn follow(client: Client, publish: Publish, published: watch::Sender<Published>, notify: Notify) {
    match publish {
        Publish::Nothing => {}
        Publish::Addresses(addresses) => set(&published, addresses),
        Publish::Service(name) => service(client, &name, &published, &notify).await,
        Publish::Nodes(pod) => nodes(client, &pod, &published, &notify).await,
    }
    // A sender that is dropped would be taken for the end of the reports.
    std::future::pending().await
}

fn set(published: &watch::Sender<Published>, addresses: impl IntoIterator<Item = Address>) {
    let addresses: Arc<[Address]> = addresses.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    published.send_if_modified(|before| {
        let differs = before.as_ref() != Some(&addresses);
        *before = Some(addresses);
        differs
    });
}

async fn service(client: Client, name: &ObjectName, published: &watch::Sender<Published>, notify: &Notify) {
    let services: Api<Service> = Api::namespaced(client, &name.namespace);
    let mut changes = std::pin::pin!(watcher::watch_object(services, &name.name).default_backoff());
    let mut complaint = Complaint { object: format!("Service {name}").into(), notify, made: false };
    while let Some(change) = changes.next().await {
        match change {
            Ok(Some(service)) => {
                complaint.made = false;
                set(published, of_service(&service));
            }
            // Whatever was published stays, until there is something better to say.
            Ok(None) => {
                complaint.make("there is no such Service".into(), "create it, or correct --publish-service".into())
            }
            // The server has forgotten where the watch was, which is in order; it begins anew.
            Err(watcher::Error::WatchError(status)) if status.code == 410 => {}
            Err(error) => {
                let (message, remedy) = watch_fault(&error, name);
                complaint.make(message, remedy);
            }
        }
    }
}

/// What went wrong, and what to do.
fn watch_fault(error: &watcher::Error, name: &ObjectName) -> (String, String) {
    use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => {
            (explain(error), api_remedy(error, "list and watch", "services", &name.namespace))
        }
        _ => (error.to_string(), "look at the API server; it is tried again".into()),
    }
}

/// Where a Service can be reached, by its type.
pub fn of_service(service: &Service) -> Vec<Address> {
    let Some(spec) = &service.spec else { return Vec::new() };
    let external = || spec.external_ips.iter().flatten().filter_map(|ip| address(Some(ip), None));
    let internal = || spec.cluster_ips.iter().flatten().filter_map(|ip| address(Some(ip), None));
    match spec.type_.as_deref() {
        Some("ExternalName") => address(None, spec.external_name.as_deref()).into_iter().collect(),
        Some("LoadBalancer") => {
            let balancer = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
            let entries = balancer.and_then(|balancer| balancer.ingress.as_ref()).into_iter().flatten();
            entries
                .filter_map(|entry| address(entry.ip.as_deref(), entry.hostname.as_deref()))
                .chain(external())
                .collect()
        }
        _ if external().next().is_some() => external().collect(),
        _ => internal().collect(),
    }
}

async fn nodes(client: Client, pod: &ObjectName, published: &watch::Sender<Published>, notify: &Notify) {
    let mut complaint = Complaint { object: format!("Pod {pod}").into(), notify, made: false };
    loop {
        match addresses_of_nodes(&client, pod).await {
            Ok(addresses) => {
                complaint.made = false;
                set(published, addresses);
            }
            Err(error) => {
                let remedy = api_remedy(&error, "get and list pods, and to get nodes", "pods,nodes", &pod.namespace);
                complaint.make(explain(&error), remedy);
            }
        }
        tokio::time::sleep(NODES_EVERY).await;
    }
}

async fn addresses_of_nodes(client: &Client, pod: &ObjectName) -> Result<BTreeSet<Address>, kube::Error> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace);
    let own = pods.get(&pod.name).await?;
    let alike = pods.list(&ListParams::default().labels(&selector(own.metadata.labels.as_ref()))).await?;
    let mut named: BTreeSet<String> = alike.items.iter().filter(|pod| serves(pod)).filter_map(node_of).collect();
    named.extend(node_of(&own));
    let nodes: Api<Node> = Api::all(client.clone());
    let mut addresses = BTreeSet::new();
    for name in named {
        addresses.extend(nodes.get_opt(&name).await?.iter().flat_map(of_node));
    }
    Ok(addresses)
}

/// Labels that differ between Pods of one Deployment, DaemonSet or StatefulSet.
const OF_ONE_POD: [&str; 5] = [
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
];

/// The Pods that are labelled like this one. A Pod without labels selects nothing.
fn selector(labels: Option<&BTreeMap<String, String>>) -> String {
    let common = labels.into_iter().flatten().filter(|(name, _)| !OF_ONE_POD.contains(&name.as_str()));
    let terms: Vec<String> = common.map(|(name, value)| format!("{name}={value}")).collect();
    if terms.is_empty() { "cardea.dev/none".into() } else { terms.join(",") }
}

fn serves(pod: &Pod) -> bool {
    let is_running = pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Running"));
    is_running && pod.metadata.deletion_timestamp.is_none()
}

fn node_of(pod: &Pod) -> Option<String> {
    pod.spec.as_ref()?.node_name.clone()
}

/// Its external addresses; its internal ones if it has none.
fn of_node(node: &Node) -> Vec<Address> {
    let of_type = |wanted: &str| -> Vec<Address> {
        let all = node.status.iter().flat_map(|status| status.addresses.iter().flatten());
        all.filter(|entry| entry.type_ == wanted).filter_map(|entry| address(Some(&entry.address), None)).collect()
    };
    match of_type("ExternalIP") {
        none if none.is_empty() => of_type("InternalIP"),
        external => external,
    }
}

/// Says once what does not work, until it does.
struct Complaint<'a> {
    object: Arc<str>,
    notify: &'a Notify,
    made: bool,
}

impl Complaint<'_> {
    fn make(&mut self, message: String, remedy: String) {
        if !std::mem::replace(&mut self.made, true) {
            (self.notify)(Notice::Failed { object: Arc::clone(&self.object), message, remedy });
        }
    }
}

#[cfg(test)]
mod tests;
