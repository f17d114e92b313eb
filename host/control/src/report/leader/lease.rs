//! The election's requests, carried to the API server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::sync::watch;

use super::{Answer, Ask, Election, Held, Settings};
use crate::report::notice::{Notice, Notify, api_remedy, explain};
use crate::report::{ObjectName, random};

/// One request may take this long; a leader that cannot renew has then two more tries.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Who takes part in which election.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The name of the Pod or of the machine. A process adds what no earlier process of that name had.
    pub name: String,
    pub lease: ObjectName,
}

impl Identity {
    /// `name_` and 64 random bits: a restarted Pod of the same name must not take itself for its predecessor.
    fn of_process(&self) -> String {
        format!("{}_{:016x}", self.name, random())
    }
}

/// Whether we lead, for those who write: good until the moment that it names.
#[derive(Debug, Clone)]
pub struct Leadership(watch::Receiver<Option<Instant>>);

impl Leadership {
    pub fn channel() -> (watch::Sender<Option<Instant>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    pub fn is_held(&self) -> bool {
        self.0.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Waits until it is won, where it was not, or lost; `false` when there is no more election.
    pub async fn turned(&mut self, was_held: &mut bool) -> bool {
        match self.0.wait_for(|until| until.is_some() != *was_held).await {
            Ok(until) => {
                *was_held = until.is_some();
                true
            }
            Err(_) => false,
        }
    }
}

/// Takes part in the election until `stopped` says so, and gives the Lease back then.
pub async fn elect(
    client: Client,
    identity: Identity,
    settings: Settings,
    until: watch::Sender<Option<Instant>>,
    notify: Notify,
    mut stopped: watch::Receiver<bool>,
) {
    let mut elector = Elector {
        api: Api::namespaced(client, &identity.lease.namespace),
        election: Election::new(identity.of_process(), settings),
        lease: identity.lease,
        until,
        notify,
        was_refused: false,
    };
    while !*stopped.borrow() {
        let ask = elector.election.ask(Instant::now(), Timestamp::now());
        elector.step(ask).await;
        let pause = elector.pause();
        // A pause that is cut short loses nothing.
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.changed() => {}
        }
        elector.tell();
    }
    elector.release().await;
}

struct Elector {
    api: Api<Lease>,
    lease: ObjectName,
    election: Election,
    until: watch::Sender<Option<Instant>>,
    notify: Notify,
    /// The last request failed, and that was said.
    was_refused: bool,
}

impl Elector {
    async fn step(&mut self, ask: Ask) {
        let sent = Instant::now();
        let answer = self.carry(&ask).await;
        self.election.hear(&ask, sent, Instant::now(), answer);
        self.tell();
    }

    /// No longer than we lead, so that the end is told in time.
    fn pause(&self) -> Duration {
        let now = Instant::now();
        let chance = f64::from(random() as u32) / f64::from(u32::MAX);
        let pause = self.election.pause(now, chance);
        match self.election.leads_until() {
            Some(until) => pause.min(until.saturating_duration_since(now)),
            None => pause,
        }
    }

    fn tell(&self) {
        let now = Instant::now();
        let until = self.election.leads_until().filter(|until| now < *until);
        let was = self.until.send_replace(until).is_some();
        match (was, until.is_some()) {
            (false, true) => (self.notify)(Notice::Leading),
            (true, false) => (self.notify)(Notice::NotLeading),
            _ => {}
        }
    }

    async fn release(&mut self) {
        if let Some(ask) = self.election.release(Timestamp::now()) {
            self.tell();
            // Whatever comes of it: others take the Lease later if this was lost.
            self.carry(&ask).await;
        }
    }

    async fn carry(&mut self, ask: &Ask) -> Answer {
        let parameters = PostParams::default();
        let request = async {
            match ask {
                Ask::Read => self.api.get(&self.lease.name).await,
                Ask::Create(spec) => self.api.create(&parameters, &self.object(None, spec)).await,
                Ask::Replace(held) => {
                    let lease = self.object(Some(&held.resource_version), &held.spec);
                    self.api.replace(&self.lease.name, &parameters, &lease).await
                }
            }
        };
        let refused = match tokio::time::timeout(ANSWER_TIMEOUT, request).await {
            Ok(Ok(lease)) => {
                self.was_refused = false;
                let resource_version = lease.metadata.resource_version.unwrap_or_default();
                return Answer::Found(Held { resource_version, spec: lease.spec.unwrap_or_default() });
            }
            Ok(Err(kube::Error::Api(status))) if status.code == 404 && !matches!(ask, Ask::Create(_)) => {
                return Answer::Absent;
            }
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => return Answer::Conflict,
            Ok(Err(error)) => {
                let verb = if matches!(ask, Ask::Read) { "get" } else { "create and update" };
                (explain(&error), api_remedy(&error, verb, "leases.coordination.k8s.io", &self.lease.namespace))
            }
            Err(_) => ("the API server did not answer in time".into(), "look at the API server".into()),
        };
        if !std::mem::replace(&mut self.was_refused, true) {
            let (message, remedy) = refused;
            (self.notify)(Notice::Failed { object: Arc::from(format!("Lease {}", self.lease)), message, remedy });
        }
        Answer::Failed
    }

    fn object(&self, resource_version: Option<&str>, spec: &LeaseSpec) -> Lease {
        Lease {
            metadata: ObjectMeta {
                name: Some(self.lease.name.to_string()),
                namespace: Some(self.lease.namespace.to_string()),
                resource_version: resource_version.map(str::to_owned),
                ..ObjectMeta::default()
            },
            spec: Some(spec.clone()),
        }
    }
}
