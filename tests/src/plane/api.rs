//! The Kubernetes API as a test uses it: objects are JSON, and what is awaited is watched, never slept for.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures_util::{Stream, StreamExt, pin_mut};
use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::WatchEvent;
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use super::kind::Kind;
use crate::pulse::DEADLINE;

/// For one answer of a busy API server.
const ANSWER: Duration = Duration::from_secs(30);

/// A client of the runtime that it was made on.
#[derive(Clone)]
pub struct Api(Client);

impl Api {
    /// As the user of a kubeconfig.
    ///
    /// # Errors
    /// When the file names no cluster that can be spoken to.
    pub async fn connect(kubeconfig: &Path) -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        Ok(Self(Client::try_from(config)?))
    }

    /// Creates the object, or changes it to what is given (server-side apply).
    pub async fn apply(&self, object: &Value) -> Result<Value> {
        let path = Kind::of(object)?.path(object)?;
        let path = format!("{path}?fieldManager=test&force=true");
        self.send(Method::PATCH, &path, "application/apply-patch+yaml", object).await
    }

    /// Creates the object; one that is there already is an error.
    pub async fn create(&self, object: &Value) -> Result<Value> {
        let path = Kind::of(object)?.path(object)?;
        let list = path.rsplit_once('/').context("a path without a name")?.0;
        self.send(Method::POST, list, "application/json", object).await
    }

    /// Merges `change` into the object's status.
    pub async fn patch_status(&self, kind: &str, namespace: &str, name: &str, status: Value) -> Result<Value> {
        let path = format!("{}/status", Kind::named(kind)?.item(namespace, name));
        self.send(Method::PATCH, &path, "application/merge-patch+json", &json!({ "status": status })).await
    }

    /// Merges `change` into the object.
    pub async fn patch(&self, kind: &str, namespace: &str, name: &str, change: &Value) -> Result<Value> {
        let path = Kind::named(kind)?.item(namespace, name);
        self.send(Method::PATCH, &path, "application/merge-patch+json", change).await
    }

    /// `None` when there is none of this name.
    pub async fn get(&self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>> {
        let path = Kind::named(kind)?.item(namespace, name);
        match self.send(Method::GET, &path, "application/json", &Value::Null).await {
            Err(error) if code(&error) == Some(404) => Ok(None),
            found => found.map(Some),
        }
    }

    /// All of a namespace, or of the cluster where the namespace is empty.
    pub async fn list(&self, kind: &str, namespace: &str) -> Result<Vec<Value>> {
        let path = Kind::named(kind)?.list(namespace);
        let list = self.send(Method::GET, &path, "application/json", &Value::Null).await?;
        Ok(list.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// What kubectl would show of a namespace, as the server makes it.
    pub async fn table(&self, kind: &str, namespace: &str) -> Result<Value> {
        let path = Kind::named(kind)?.list(namespace);
        let accepted = "application/json;as=Table;v=v1;g=meta.k8s.io";
        let request = Request::get(&path).header("accept", accepted).body(Vec::new())?;
        self.0.request(request).await.context(path)
    }

    /// Gone at once, without a kubelet's consent: grace is 0.
    pub async fn delete(&self, kind: &str, namespace: &str, name: &str) -> Result<()> {
        self.delete_within(kind, namespace, name, 0).await
    }

    /// With a grace period a Pod stays, terminating, until it is deleted again with grace 0.
    pub async fn delete_within(&self, kind: &str, namespace: &str, name: &str, seconds: u32) -> Result<()> {
        let path = Kind::named(kind)?.item(namespace, name);
        let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": seconds});
        self.send(Method::DELETE, &path, "application/json", &options).await.map(drop)
    }

    /// A token of a service account, for an hour.
    pub async fn token(&self, namespace: &str, account: &str) -> Result<String> {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let request = json!({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {}});
        let answer = self.send(Method::POST, &path, "application/json", &request).await?;
        let token = answer.pointer("/status/token").and_then(Value::as_str);
        token.map(str::to_owned).context("no token in the answer")
    }

    /// One request, by its path; an answer that is no JSON is an error, as is any status from 400 on.
    pub async fn send(&self, method: Method, path: &str, content_type: &str, body: &Value) -> Result<Value> {
        let what = format!("{method} {path}");
        let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
        let request = Request::builder().method(method).uri(path).header("content-type", content_type).body(bytes)?;
        let answer = timeout(ANSWER, self.0.request(request)).await;
        answer.with_context(|| format!("{what}: no answer in {ANSWER:?}"))?.context(what)
    }

    /// What happens to objects from now on, after those that are there already.
    pub async fn watch(
        &self,
        kind: &str,
        namespace: &str,
    ) -> Result<impl Stream<Item = kube::Result<WatchEvent<Value>>> + use<>> {
        let path = format!("{}?watch=1", Kind::named(kind)?.list(namespace));
        let events = self.0.request_events::<Value>(Request::get(&path).body(Vec::new())?).await.context(path)?;
        Ok(events)
    }

    /// Watches one object until `check` holds for it; `None` stands for an object that is not there.
    ///
    /// # Errors
    /// The last refusal of `check`, when the deadline has passed.
    pub async fn until<T>(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        mut check: impl FnMut(Option<&Value>) -> Result<T>,
    ) -> Result<T> {
        let one = format!("metadata.name={name}");
        self.until_list(kind, namespace, &[("fieldSelector", &one)], |found| check(found.first())).await
    }

    /// Watches all objects that match the query, until `check` holds for them.
    ///
    /// # Errors
    /// The last refusal of `check`, when the deadline has passed.
    pub async fn until_list<T>(
        &self,
        kind: &str,
        namespace: &str,
        query: &[(&str, &str)],
        mut check: impl FnMut(&[Value]) -> Result<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + DEADLINE;
        let query: String = query.iter().map(|(name, value)| format!("&{name}={}", escape(value))).collect();
        let mut refusal = anyhow!("nothing was listed");
        let mut check = |found: &[Value]| check(found).map_err(|refused| refusal = refused).ok();
        let watching = async {
            let path = Kind::named(kind)?.list(namespace);
            loop {
                if let Some(found) = self.watch_until(&path, &query, &mut check).await? {
                    return Ok(found);
                }
            }
        };
        match timeout_at(deadline, watching).await {
            Ok(found) => found,
            Err(_) => Err(refusal.context(format!("{kind} {namespace}{query}: not within {DEADLINE:?}"))),
        }
    }

    /// Lists, then follows the changes; `None` when the server ended the watch.
    async fn watch_until<T>(
        &self,
        path: &str,
        query: &str,
        check: &mut impl FnMut(&[Value]) -> Option<T>,
    ) -> Result<Option<T>> {
        let list =
            self.send(Method::GET, &format!("{path}?limit=500{query}"), "application/json", &Value::Null).await?;
        let mut found = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let version = list.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        let request = Request::get(format!("{path}?watch=1&resourceVersion={version}{query}")).body(Vec::new())?;
        let events = self.0.request_events::<Value>(request).await?;
        pin_mut!(events);
        loop {
            if let Some(value) = check(&found) {
                return Ok(Some(value));
            }
            match events.next().await {
                Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) => {
                    found.retain(|one| id(one) != id(&object));
                    found.push(object);
                }
                Some(Ok(WatchEvent::Deleted(object))) => found.retain(|one| id(one) != id(&object)),
                Some(Ok(WatchEvent::Bookmark(_))) => {}
                Some(Ok(WatchEvent::Error(_)) | Err(_)) | None => return Ok(None),
            }
        }
    }
}

fn id(object: &Value) -> (Option<&Value>, Option<&Value>) {
    (object.pointer("/metadata/namespace"), object.pointer("/metadata/name"))
}

/// Where the API keeps an object.
pub fn path(object: &Value) -> Result<String> {
    Kind::of(object)?.path(object)
}

/// The HTTP status of a refusal by the API server.
pub fn code(error: &anyhow::Error) -> Option<u16> {
    match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    }
}

/// Fails unless the request was refused by the authoriser.
///
/// # Errors
/// When it was allowed, or failed for another reason.
pub fn forbidden<T>(what: &str, answer: Result<T>) -> Result<()> {
    match answer {
        Ok(_) => bail!("{what} is allowed"),
        Err(error) if code(&error) == Some(403) => Ok(()),
        Err(error) => Err(error.context(what.to_owned())),
    }
}

/// Of a query value: what a selector may hold and a URI may not.
fn escape(value: &str) -> String {
    value.replace('%', "%25").replace('=', "%3D").replace(',', "%2C").replace(' ', "%20").replace('/', "%2F")
}
