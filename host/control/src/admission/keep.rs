//! The webhook's certificate, kept in a Secret that the replicas share, and its authority in the webhook's configuration.
//!
//! Any replica may write, and all follow what is written: the first to create or to replace wins, since a Secret is
//! replaced only as it was read, and what the configuration has to say follows from the Secret. Nothing that is as it
//! should be is written again.

mod secret;

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::certificate::{Bundle, MakeError, Pair, renew};

/// How often the Secret is looked at; a certificate lasts for long after it should have been replaced.
const LOOK: Duration = Duration::from_secs(30);
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// One request to the API server.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// Which objects are kept.
#[derive(Debug, Clone)]
pub struct Place {
    /// Our own namespace.
    pub namespace: String,
    /// The Service that the API server calls, and the Secret that holds its certificate.
    pub service: String,
    /// The ValidatingWebhookConfiguration.
    pub configuration: String,
    /// How long a certificate lasts; it is replaced after two thirds.
    pub life: Duration,
}

/// What an operator may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A certificate to serve with from now on; seconds since 1970.
    Certificate { expires: i64 },
    /// The configuration names our authority now.
    Authority,
    /// Told once, until something else is the matter.
    Failed { message: String, remedy: String },
}

/// Whoever takes the certificate, and is told what happens. Called on the task that keeps it.
pub trait Take: Send {
    fn serve(&mut self, pair: &Pair);
    fn tell(&mut self, notice: Notice);
}

/// Keeps the certificate as long as it is polled.
pub async fn keep(client: Client, place: Place, mut take: impl Take) {
    let keeper = Keeper::new(client, place);
    let mut served: Option<Pair> = None;
    let mut told: Option<String> = None;
    let mut retry = RETRY_MIN;
    loop {
        let wait = match keeper.turn(&mut take, &mut served).await {
            Ok(()) => {
                (retry, told) = (RETRY_MIN, None);
                LOOK.min(keeper.place.life / 20).max(RETRY_MIN)
            }
            // Somebody else wrote first: what they wrote is read at once.
            Err(Fault::Raced) => Duration::ZERO,
            Err(fault) => {
                let message = fault.to_string();
                if told.as_ref() != Some(&message) {
                    take.tell(Notice::Failed { message: message.clone(), remedy: fault.remedy(&keeper.place) });
                    told = Some(message);
                }
                let wait = retry;
                retry = RETRY_MAX.min(retry * 2);
                wait
            }
        };
        tokio::time::sleep(wait).await;
    }
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Make(#[from] MakeError),
    #[error("{verb} {what}: {}", words(source))]
    Api { verb: &'static str, what: &'static str, source: Box<kube::Error> },
    #[error("{verb} {what}: no answer within {REQUEST_MAX:?}")]
    Late { verb: &'static str, what: &'static str },
    #[error("there is no ValidatingWebhookConfiguration {0}")]
    NoConfiguration(String),
    #[error("another replica wrote first")]
    Raced,
}

impl Fault {
    fn remedy(&self, place: &Place) -> String {
        let Place { namespace, service, configuration, .. } = place;
        match self {
            Self::Make(_) => "check the name of the Service".to_owned(),
            Self::Api { verb, what, source } if matches!(&**source, kube::Error::Api(status) if status.code == 403) => {
                let name = if *what == SECRETS { service } else { configuration };
                format!("allow our service account to {verb} {what} named {name} (namespace {namespace})")
            }
            Self::Api { .. } | Self::Late { .. } | Self::Raced => "it is tried again".to_owned(),
            Self::NoConfiguration(_) => {
                "create it, name it with --webhook-configuration, or leave out --webhook".to_owned()
            }
        }
    }
}

const SECRETS: &str = "secrets";
const CONFIGURATIONS: &str = "validatingwebhookconfigurations";

struct Keeper {
    secrets: Api<Secret>,
    configurations: Api<ValidatingWebhookConfiguration>,
    place: Place,
    names: Vec<String>,
}

impl Keeper {
    fn new(client: Client, place: Place) -> Self {
        let host = format!("{}.{}.svc", place.service, place.namespace);
        Self {
            secrets: Api::namespaced(client.clone(), &place.namespace),
            configurations: Api::all(client),
            names: vec![host.clone(), format!("{host}.cluster.local")],
            place,
        }
    }

    /// Brings the Secret, the certificate that is served and the configuration to what they should be.
    async fn turn(&self, take: &mut impl Take, served: &mut Option<Pair>) -> Result<(), Fault> {
        let name = self.place.service.as_str();
        let found = ask("get", SECRETS, self.secrets.get_opt(name)).await?;
        let held = found.as_ref().and_then(secret::read);
        let bundle = match renew(held.as_ref(), &self.names, self.place.life, now())? {
            None => held,
            Some(bundle) => {
                self.write(found, &bundle).await?;
                Some(bundle)
            }
        };
        let Some(bundle) = bundle else { return Ok(()) };
        if served.as_ref() != Some(&bundle.pair) {
            take.serve(&bundle.pair);
            take.tell(Notice::Certificate { expires: bundle.dates.expires });
            *served = Some(bundle.pair.clone());
        }
        if self.authorise(&bundle).await? {
            take.tell(Notice::Authority);
        }
        Ok(())
    }

    /// On condition that the Secret is as it was read.
    async fn write(&self, found: Option<Secret>, bundle: &Bundle) -> Result<(), Fault> {
        let fresh = secret::write(found.clone(), &self.place, bundle);
        let parameters = PostParams::default();
        let done = match found {
            None => ask("create", SECRETS, self.secrets.create(&parameters, &fresh)).await,
            Some(_) => ask("update", SECRETS, self.secrets.replace(&self.place.service, &parameters, &fresh)).await,
        };
        match done {
            Err(Fault::Api { source, .. }) if matches!(&*source, kube::Error::Api(status) if status.code == 409) => {
                Err(Fault::Raced)
            }
            done => done.map(|_| ()),
        }
    }

    /// Sets `caBundle` where it is not what it should be. True if it was not.
    async fn authorise(&self, bundle: &Bundle) -> Result<bool, Fault> {
        let name = self.place.configuration.as_str();
        let found = ask("get", CONFIGURATIONS, self.configurations.get_opt(name)).await?;
        let Some(found) = found else { return Err(Fault::NoConfiguration(name.to_owned())) };
        let Some(patch) = patch(&found, &self.place, &bundle.authorities) else { return Ok(false) };
        // By the name of each webhook in the list, so that nothing else of it is touched.
        let patch = Patch::Strategic(patch);
        ask("patch", CONFIGURATIONS, self.configurations.patch(name, &PatchParams::default(), &patch)).await?;
        Ok(true)
    }
}

/// What to change of a configuration: the webhooks that call our Service and trust somebody else.
fn patch(found: &ValidatingWebhookConfiguration, place: &Place, authorities: &str) -> Option<Value> {
    let wanted = ByteString(authorities.as_bytes().to_vec());
    let ours = found.webhooks.iter().flatten().filter(|webhook| {
        let service = webhook.client_config.service.as_ref();
        service.is_some_and(|service| service.name == place.service && service.namespace == place.namespace)
            && webhook.client_config.ca_bundle.as_ref() != Some(&wanted)
    });
    let webhooks: Vec<Value> =
        ours.map(|webhook| json!({ "name": webhook.name, "clientConfig": { "caBundle": wanted } })).collect();
    (!webhooks.is_empty()).then(|| json!({ "webhooks": webhooks }))
}

/// What the API server says, without the rest of its answer.
fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

async fn ask<T>(
    verb: &'static str,
    what: &'static str,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(REQUEST_MAX, request).await {
        Ok(answer) => answer.map_err(|source| Fault::Api { verb, what, source: Box::new(source) }),
        Err(_) => Err(Fault::Late { verb, what }),
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
