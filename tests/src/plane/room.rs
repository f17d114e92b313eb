//! What one test has of a plane: a namespace, a class with a controller of its own, and an account with the shipped roles.
//!
//! Ingresses of other tests are seen by every ingress process and belong to none but their own, as in a real cluster.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::Api;
use super::kind::Kind;
use super::{NODE, Plane, shipped};

/// The account of the shipped manifests.
pub const ACCOUNT: &str = "cardea";

/// Where every pod listens, each on its own address.
pub const POD_PORT: u16 = 8080;

#[derive(Clone)]
pub struct Room {
    pub api: Api,
    /// The namespace, and the name of everything of the test that belongs to the cluster.
    pub name: String,
}

/// What becomes of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodState {
    Ready,
    Unready,
    /// Deleted with a grace period: it serves, and takes nothing new.
    Terminating,
    Gone,
}

impl Room {
    pub(super) async fn new(api: Api, name: &str) -> Result<Self> {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        api.create(&namespace).await?;
        Ok(Self { api, name: name.to_owned() })
    }

    /// The value of `--controller-name`.
    pub fn controller(&self) -> String {
        format!("cardea.dev/{}", self.name)
    }

    /// The class of this test's Ingresses.
    pub fn class(&self) -> Value {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": self.name},
            "spec": {"controller": self.controller()},
        })
    }

    /// The object as it is in this test: in its namespace, unless it says another or belongs to the cluster.
    pub fn own(&self, mut object: Value) -> Result<Value> {
        let namespaced = Kind::of(&object)?.namespaced;
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut).context("no metadata")?;
        if namespaced && !metadata.contains_key("namespace") {
            metadata.insert("namespace".to_owned(), self.name.clone().into());
        }
        Ok(object)
    }

    pub async fn apply(&self, object: &Value) -> Result<Value> {
        self.api.apply(&self.own(object.clone())?).await
    }

    /// Gives an account of this namespace what the shipped manifests give theirs; the kubeconfig of it, by way of
    /// `server` where that is given.
    pub async fn install(&self, plane: &Plane, server: Option<&str>) -> Result<PathBuf> {
        self.install_as("install", plane, server).await
    }

    /// The same, of another file of `deploy/manifests`.
    pub async fn install_as(&self, manifest: &str, plane: &Plane, server: Option<&str>) -> Result<PathBuf> {
        for object in shipped(manifest)? {
            let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
            if matches!(kind, "ServiceAccount" | "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding") {
                self.api.apply(&self.moved(object)).await?;
            }
        }
        plane.kubeconfig_of(&self.name, ACCOUNT, server).await
    }

    /// A shipped object, installed into this namespace.
    fn moved(&self, mut object: Value) -> Value {
        if object.get("kind") == Some(&json!("ClusterRoleBinding")) {
            // Each test binds the one shared role to its own account.
            if let Some(name) = object.pointer_mut("/metadata/name") {
                *name = json!(self.name);
            }
        }
        // The manifests name one namespace, their own.
        let subjects = object.get_mut("subjects").and_then(Value::as_array_mut);
        for subject in subjects.into_iter().flatten() {
            if let Some(namespace) = subject.get_mut("namespace") {
                *namespace = json!(self.name);
            }
        }
        if let Some(namespace) = object.pointer_mut("/metadata/namespace") {
            *namespace = json!(self.name);
        }
        object
    }

    /// A ready Pod of the app, at this address.
    pub async fn pod(&self, name: &str, app: &str, address: IpAddr) -> Result<()> {
        let port = json!({"name": "http", "containerPort": POD_PORT});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": self.name, "labels": {"app": app}},
            "spec": {"nodeName": NODE, "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "main", "image": "none", "ports": [port]}]},
        });
        self.api.create(&pod).await?;
        let running = json!({
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        });
        self.api.patch_status("Pod", &self.name, name, running).await.map(drop)
    }

    /// Says what a kubelet would say.
    pub async fn set(&self, pod: &str, state: PodState) -> Result<()> {
        let ready = |status| json!({"conditions": [{"type": "Ready", "status": status}]});
        match state {
            PodState::Ready => self.api.patch_status("Pod", &self.name, pod, ready("True")).await.map(drop),
            PodState::Unready => self.api.patch_status("Pod", &self.name, pod, ready("False")).await.map(drop),
            PodState::Terminating => self.api.delete_within("Pod", &self.name, pod, 600).await,
            PodState::Gone => self.api.delete("Pod", &self.name, pod).await,
        }
    }

    /// A Service of the app's pods: its port 80 is their port `http`.
    pub fn service(&self, app: &str, app_protocol: Option<&str>) -> Value {
        let mut port = json!({"name": "http", "port": 80, "targetPort": "http"});
        if let (Some(port), Some(protocol)) = (port.as_object_mut(), app_protocol) {
            port.insert("appProtocol".to_owned(), protocol.into());
        }
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": app, "namespace": self.name},
            "spec": {"selector": {"app": app}, "ports": [port]},
        })
    }

    /// Removes what a cluster of others should not keep.
    pub async fn close(&self) -> Result<()> {
        self.api.delete("Namespace", "", &self.name).await?;
        for kind in ["IngressClass", "ClusterRoleBinding"] {
            if self.api.get(kind, "", &self.name).await?.is_some() {
                self.api.delete(kind, "", &self.name).await?;
            }
        }
        Ok(())
    }
}
