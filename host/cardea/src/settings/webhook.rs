//! The flags of the admission webhook.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cardea_control::admission::keep::Place;
use cardea_model::units;
use clap::Args;

use crate::admission::Certificate;

#[derive(Debug, Args)]
#[command(next_help_heading = "Admission")]
#[group(skip)]
pub struct Flags {
    /// Address of the admission webhook, HTTPS; without it there is none.
    #[arg(long, env = "CARDEA_WEBHOOK", value_name = "ADDR")]
    webhook: Option<SocketAddr>,
    /// PEM certificate chain of the webhook, looked at for changes; without it one is made and kept in the cluster.
    #[arg(long, env = "CARDEA_WEBHOOK_CERT", value_name = "FILE", requires = "webhook", requires = "webhook_key")]
    webhook_cert: Option<PathBuf>,
    /// PEM key of --webhook-cert.
    #[arg(long, env = "CARDEA_WEBHOOK_KEY", value_name = "FILE", requires = "webhook_cert")]
    webhook_key: Option<PathBuf>,
    /// PEM authorities of the only clients that may ask; the API server needs a kubeconfig for the webhook then.
    #[arg(long, env = "CARDEA_WEBHOOK_CLIENT_CA", value_name = "FILE", requires = "webhook")]
    webhook_client_ca: Option<PathBuf>,
    /// Service of our own namespace that leads to the webhook, and Secret that its certificate is kept in.
    #[arg(long, env = "CARDEA_WEBHOOK_SERVICE", value_name = "NAME", default_value = "cardea-webhook")]
    webhook_service: String,
    /// ValidatingWebhookConfiguration whose caBundle is kept.
    #[arg(long, env = "CARDEA_WEBHOOK_CONFIGURATION", value_name = "NAME", default_value = "cardea")]
    webhook_configuration: String,
    /// How long a certificate that is made lasts; it is replaced after two thirds.
    #[arg(long, env = "CARDEA_WEBHOOK_CERTIFICATE_LIFE", value_name = "TIME", default_value = "2160h", value_parser = units::duration)]
    webhook_certificate_life: Duration,
}

/// A webhook that was asked for.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub address: SocketAddr,
    pub certificate: Certificate,
    /// PEM authorities of those who may ask; `None`: everybody.
    pub client_ca: Option<PathBuf>,
}

/// Shorter than this, a certificate would be replaced without end.
const LIFE_MIN: Duration = Duration::from_secs(10);

impl Flags {
    pub fn checked(&self, is_cluster: bool) -> Result<Option<Webhook>, String> {
        let Some(address) = self.webhook else { return Ok(None) };
        let certificate = match (&self.webhook_cert, &self.webhook_key) {
            (Some(certificate), Some(key)) => Certificate::Files { certificate: certificate.clone(), key: key.clone() },
            _ if !is_cluster => {
                return Err("--webhook without --kubernetes needs --webhook-cert and --webhook-key".into());
            }
            _ if self.webhook_certificate_life < LIFE_MIN => {
                return Err(format!("--webhook-certificate-life may be {LIFE_MIN:?} or more"));
            }
            _ => Certificate::Kept(Place {
                namespace: own_namespace()?,
                service: self.webhook_service.clone(),
                configuration: self.webhook_configuration.clone(),
                life: self.webhook_certificate_life,
            }),
        };
        Ok(Some(Webhook { address, certificate, client_ca: self.webhook_client_ca.clone() }))
    }
}

/// The namespace of our pod, as the install or the kubelet says.
fn own_namespace() -> Result<String, String> {
    const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    let given = std::env::var("CARDEA_POD_NAMESPACE").ok().or_else(|| std::fs::read_to_string(Path::new(MOUNTED)).ok());
    given.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).ok_or_else(|| {
        "--webhook keeps its certificate in our own namespace: set CARDEA_POD_NAMESPACE, or give --webhook-cert".into()
    })
}
