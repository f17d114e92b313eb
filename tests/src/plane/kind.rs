//! Where the API keeps objects of a kind: the rules that its own kinds follow, and the kinds that tests name alone.

use anyhow::{Context, Result};
use serde_json::Value;

/// Kinds that tests name without an `apiVersion`.
const KNOWN: [(&str, &str); 26] = [
    ("Namespace", "v1"),
    ("Node", "v1"),
    ("Pod", "v1"),
    ("Service", "v1"),
    ("ConfigMap", "v1"),
    ("Secret", "v1"),
    ("ServiceAccount", "v1"),
    ("Endpoints", "v1"),
    ("Event", "events.k8s.io/v1"),
    ("EndpointSlice", "discovery.k8s.io/v1"),
    ("Ingress", "networking.k8s.io/v1"),
    ("IngressClass", "networking.k8s.io/v1"),
    ("NetworkPolicy", "networking.k8s.io/v1"),
    ("Lease", "coordination.k8s.io/v1"),
    ("Role", "rbac.authorization.k8s.io/v1"),
    ("RoleBinding", "rbac.authorization.k8s.io/v1"),
    ("ClusterRole", "rbac.authorization.k8s.io/v1"),
    ("ClusterRoleBinding", "rbac.authorization.k8s.io/v1"),
    ("Deployment", "apps/v1"),
    ("DaemonSet", "apps/v1"),
    ("PodDisruptionBudget", "policy/v1"),
    ("HorizontalPodAutoscaler", "autoscaling/v2"),
    ("Job", "batch/v1"),
    ("CustomResourceDefinition", "apiextensions.k8s.io/v1"),
    ("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1"),
    ("Policy", "cardea.dev/v1alpha1"),
];

const CLUSTER_WIDE: [&str; 7] = [
    "Namespace",
    "Node",
    "IngressClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "ValidatingWebhookConfiguration",
];

#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// `/api/v1` or `/apis/GROUP/VERSION`.
    root: String,
    plural: String,
    pub namespaced: bool,
}

impl Kind {
    /// Of an object that says both `apiVersion` and `kind`.
    pub fn of(object: &Value) -> Result<Self> {
        let text = |key| object.get(key).and_then(Value::as_str).with_context(|| format!("no {key} in {object}"));
        Ok(Self::new(text("apiVersion")?, text("kind")?))
    }

    /// Of a kind that tests name alone.
    pub fn named(kind: &str) -> Result<Self> {
        let known = KNOWN.iter().find(|(name, _)| *name == kind);
        known.map(|(kind, version)| Self::new(version, kind)).with_context(|| format!("unknown kind {kind}"))
    }

    fn new(version: &str, kind: &str) -> Self {
        let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
        Self { root, plural: plural(kind), namespaced: !CLUSTER_WIDE.contains(&kind) }
    }

    /// Of all objects in a namespace, or in the cluster where it is empty.
    pub fn list(&self, namespace: &str) -> String {
        let Self { root, plural, namespaced } = self;
        if *namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{namespace}/{plural}")
        } else {
            format!("{root}/{plural}")
        }
    }

    pub fn item(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.list(namespace))
    }

    /// Of the object itself.
    pub fn path(&self, object: &Value) -> Result<String> {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name").with_context(|| format!("no name in {object}"))?;
        Ok(self.item(text("/metadata/namespace").unwrap_or_default(), name))
    }
}

/// English, as far as the API's own kinds need it.
fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with("endpoints") => kind,
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Kind;

    #[test]
    fn paths_are_those_of_the_api() {
        let path = |kind: &str| Kind::named(kind).unwrap().item("shop", "x");
        assert_eq!(path("Ingress"), "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/x");
        assert_eq!(path("IngressClass"), "/apis/networking.k8s.io/v1/ingressclasses/x");
        assert_eq!(path("Endpoints"), "/api/v1/namespaces/shop/endpoints/x");
        assert_eq!(path("Policy"), "/apis/cardea.dev/v1alpha1/namespaces/shop/policies/x");
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}});
        assert_eq!(Kind::of(&node).unwrap().path(&node).unwrap(), "/api/v1/nodes/n");
        assert!(Kind::named("Pot").is_err());
    }
}
