//! The flags of the cluster source.

use std::path::PathBuf;
use std::sync::Arc;

use cardea_control::cluster::Options;
use cardea_model::compile;
use clap::Args;

#[derive(Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "Cluster")]
pub struct Flags {
    /// Watch the Kubernetes API: as the pod's service account, or as a kubeconfig says.
    #[arg(long, env = "CARDEA_KUBERNETES")]
    pub kubernetes: bool,
    /// Kubeconfig to use; by default the pod's service account, else $KUBECONFIG or ~/.kube/config.
    #[arg(long, env = "CARDEA_KUBECONFIG", value_name = "FILE", requires = "kubernetes")]
    kubeconfig: Option<PathBuf>,
    /// Watch this namespace only; a Role in it is enough then.
    #[arg(long, env = "CARDEA_NAMESPACE", value_name = "NAME", requires = "kubernetes")]
    namespace: Option<String>,
    /// Serve this IngressClass only. Needed where IngressClasses may not be read.
    #[arg(long, env = "CARDEA_INGRESS_CLASS", value_name = "NAME", requires = "kubernetes")]
    ingress_class: Option<String>,
    /// The zone that we run in: endpoints that are hinted for it are preferred.
    #[arg(long, env = "CARDEA_ZONE", value_name = "NAME", requires = "kubernetes")]
    zone: Option<String>,
    /// The Node that we run on, to take the zone from its label topology.kubernetes.io/zone.
    #[arg(long, env = "CARDEA_NODE_NAME", value_name = "NAME", requires = "kubernetes")]
    node_name: Option<String>,
    /// Resolve and serve Services of type ExternalName; loopback and link-local addresses are refused even then.
    #[arg(long, env = "CARDEA_ALLOW_EXTERNAL_NAME", requires = "kubernetes")]
    allow_external_name: bool,
    /// Directory that keeps the last good state, to start from when the API server does not answer; owned by this user.
    #[arg(long, env = "CARDEA_SNAPSHOT", value_name = "DIR", requires = "kubernetes")]
    snapshot: Option<PathBuf>,
}

impl Flags {
    pub fn options(&self, compile: compile::Options) -> Options {
        let shared = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(Arc::from);
        Options {
            kubeconfig: self.kubeconfig.clone(),
            namespace: shared(&self.namespace),
            class: shared(&self.ingress_class),
            compile,
            zone: shared(&self.zone),
            node: shared(&self.node_name),
            allow_external_name: self.allow_external_name,
            snapshot: self.snapshot.clone(),
            ..Options::default()
        }
    }
}
