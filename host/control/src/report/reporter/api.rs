//! One write to the API server: its outcome, and the complaint about it.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::report::ObjectName;
use crate::report::notice::{Notice, Notify, api_remedy, explain};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The API server, and the name under which we write.
#[derive(Clone)]
pub(super) struct Server {
    client: Client,
    /// Of managed fields: another installation of ours in the cluster has another Lease, and so another name.
    pub manager: Arc<str>,
    notify: Notify,
    /// Resources of which the last write failed, and that was said.
    complained: Arc<Mutex<Vec<&'static str>>>,
}

/// Why a write was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// 409: another version is there, or another object of that name.
    Conflict,
    /// 404: it is gone, and so is the matter.
    Gone,
    /// It will not be done however often it is tried: forbidden, or invalid.
    ForGood,
    /// It may be done next time: busy, unreachable, or no answer.
    ForNow,
}

/// Longest name of a field manager.
const MANAGER_MAX: usize = 128;

impl Server {
    pub fn new(client: Client, lease: &ObjectName, notify: Notify) -> Self {
        let manager: String = format!("cardea/{lease}").chars().take(MANAGER_MAX).collect();
        Self { client, manager: manager.into(), notify, complained: Arc::default() }
    }

    /// By a list of one, since whoever watches a kind may list it and need not be allowed to get.
    pub async fn find<K: Written>(&self, name: &ObjectName) -> Result<K, Refused> {
        let api = self.api::<K>(&name.namespace);
        let only = ListParams::default().fields(&format!("metadata.name={}", name.name));
        let found = self.judge::<K, _>(name, "list", api.list(&only)).await?;
        found.items.into_iter().next().ok_or(Refused::Gone)
    }

    pub async fn create<K: Written>(&self, name: &ObjectName, object: &K) -> Result<K, Refused> {
        let api = self.api::<K>(&name.namespace);
        let parameters = PostParams { field_manager: Some(self.manager.to_string()), ..PostParams::default() };
        self.judge::<K, _>(name, "create", api.create(&parameters, object)).await
    }

    pub async fn patch<K: Written>(&self, name: &ObjectName, patch: &Value) -> Result<K, Refused> {
        let api = self.api::<K>(&name.namespace);
        let (parameters, patch) = (self.parameters(), Patch::Merge(patch));
        self.judge::<K, _>(name, "patch", api.patch(&name.name, &parameters, &patch)).await
    }

    pub async fn patch_status<K: Written>(&self, name: &ObjectName, patch: &Value) -> Result<K, Refused> {
        let api = self.api::<K>(&name.namespace);
        let (parameters, patch) = (self.parameters(), Patch::Merge(patch));
        self.judge::<K, _>(name, "patch the status of", api.patch_status(&name.name, &parameters, &patch)).await
    }

    fn api<K: Written>(&self, namespace: &str) -> Api<K> {
        Api::namespaced(self.client.clone(), namespace)
    }

    fn parameters(&self) -> PatchParams {
        PatchParams { field_manager: Some(self.manager.to_string()), ..PatchParams::default() }
    }

    async fn judge<K: Written, T>(
        &self,
        name: &ObjectName,
        verb: &str,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Refused> {
        let (refused, message, remedy) = match tokio::time::timeout(ANSWER_TIMEOUT, request).await {
            Ok(Ok(done)) => {
                self.complained().retain(|resource| *resource != K::PLURAL);
                return Ok(done);
            }
            Err(_) => (Refused::ForNow, "there was no answer in time".into(), "look at the API server".into()),
            Ok(Err(error)) => match refusal(&error) {
                silent @ (Refused::Conflict | Refused::Gone) => return Err(silent),
                refused => (refused, explain(&error), api_remedy(&error, verb, K::PLURAL, &name.namespace)),
            },
        };
        self.complain::<K>(name, message, remedy);
        Err(refused)
    }

    fn complain<K: Written>(&self, name: &ObjectName, message: String, remedy: String) {
        let is_new = {
            let mut complained = self.complained();
            let is_new = !complained.contains(&K::PLURAL);
            if is_new {
                complained.push(K::PLURAL);
            }
            is_new
        };
        if is_new {
            (self.notify)(Notice::Failed { object: format!("{} {name}", K::KIND).into(), message, remedy });
        }
    }

    fn complained(&self) -> std::sync::MutexGuard<'_, Vec<&'static str>> {
        self.complained.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(error: &kube::Error) -> Refused {
    let kube::Error::Api(status) = error else { return Refused::ForNow };
    match status.code {
        409 => Refused::Conflict,
        404 => Refused::Gone,
        408 | 429 | 500.. => Refused::ForNow,
        _ => Refused::ForGood,
    }
}

/// A kind that we write.
pub(super) trait Written:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned
{
    const KIND: &'static str;
    const PLURAL: &'static str;
}

impl Written for k8s_openapi::api::networking::v1::Ingress {
    const KIND: &'static str = "Ingress";
    const PLURAL: &'static str = "ingresses.networking.k8s.io";
}

impl Written for crate::kube::policy::Policy {
    const KIND: &'static str = "Policy";
    const PLURAL: &'static str = "policies.cardea.dev";
}

impl Written for k8s_openapi::api::events::v1::Event {
    const KIND: &'static str = "Event";
    const PLURAL: &'static str = "events.events.k8s.io";
}
