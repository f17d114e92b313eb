//! Which kinds are watched, and by which names the API has them.

/// The kinds that the ingress reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    IngressClass,
    Ingress,
    Service,
    EndpointSlice,
    Policy,
    /// Never listed: one by one, by name.
    Secret,
    /// Never listed: one by one, by name.
    ConfigMap,
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::IngressClass,
        Self::Ingress,
        Self::Service,
        Self::EndpointSlice,
        Self::Policy,
        Self::Secret,
        Self::ConfigMap,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::IngressClass => "IngressClass",
            Self::Ingress => "Ingress",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Policy => "Policy",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }

    /// The API group; empty for the core.
    pub fn group(self) -> &'static str {
        match self {
            Self::IngressClass | Self::Ingress => "networking.k8s.io",
            Self::EndpointSlice => "discovery.k8s.io",
            Self::Policy => "cardea.dev",
            Self::Service | Self::Secret | Self::ConfigMap => "",
        }
    }

    pub fn version(self) -> &'static str {
        if self == Self::Policy { "v1alpha1" } else { "v1" }
    }

    pub fn api_version(self) -> String {
        match self.group() {
            "" => self.version().to_owned(),
            group => format!("{group}/{}", self.version()),
        }
    }

    /// As in a path of the API and in an RBAC rule.
    pub fn resource(self) -> &'static str {
        match self {
            Self::IngressClass => "ingressclasses",
            Self::Ingress => "ingresses",
            Self::Service => "services",
            Self::EndpointSlice => "endpointslices",
            Self::Policy => "policies",
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
        }
    }

    pub fn is_namespaced(self) -> bool {
        self != Self::IngressClass
    }

    /// Watched one by one, by name.
    pub fn is_named(self) -> bool {
        matches!(self, Self::Secret | Self::ConfigMap)
    }
}
