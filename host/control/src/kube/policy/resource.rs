//! How a Policy is written: the custom resource and its schema, each field with its unit and default.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use ::kube::{CustomResource, CustomResourceExt};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use super::status::PolicyStatus;

/// In CEL: `exists_one` over which of the sources are there.
const ONE_SOURCE: &str =
    "[has(self.file), has(self.configMap), has(self.oci), has(self.http)].exists_one(given, given)";

/// A policy written in WebAssembly, attached to routes by the Ingress annotation cardea.dev/policies.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[kube(
    group = "cardea.dev",
    version = "v1alpha1",
    kind = "Policy",
    namespaced,
    status = "PolicyStatus",
    doc = "A policy written in WebAssembly, attached to routes by the Ingress annotation cardea.dev/policies.",
    printcolumn = r#"{"name":"Module","type":"string","jsonPath":".status.module","description":"Where the module comes from."}"#,
    printcolumn = r#"{"name":"Digest","type":"string","jsonPath":".status.shortDigest","description":"Which module serves."}"#,
    printcolumn = r#"{"name":"Programmed","type":"string","jsonPath":".status.conditions[?(@.type==\"Programmed\")].status","description":"Whether the policy serves as it is declared."}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Failure Mode","type":"string","jsonPath":".spec.failureMode","priority":1,"description":"What becomes of requests whose policy failed."}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Programmed\")].message","priority":1,"description":"Why it serves, or does not."}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// Where the WebAssembly component comes from.
    pub module: Module,
    /// Handed to the policy as JSON when it starts; any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_value")]
    pub config: Option<serde_json::Value>,
    /// What the policy may do beside looking at the request in hand.
    #[serde(default)]
    pub grants: Grants,
    /// Hard bounds on one call and one instance.
    #[serde(default)]
    pub limits: Limits,
    /// What becomes of a request whose policy failed: Deny answers 503, Skip goes on without the policy.
    #[serde(default)]
    pub failure_mode: FailureMode,
    /// What one instance may see: pooled instances serve many requests, one at a time; request starts anew for each.
    #[serde(default)]
    pub isolation: Isolation,
    /// What a plugin of the proxy-wasm ABI is told beside its config. Modules of other ABIs are refused with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_wasm: Option<ProxyWasm>,
}

/// Exactly one of `file`, `configMap`, `oci` and `http`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    { "rule": ONE_SOURCE, "message": "give exactly one of file, configMap, oci and http" },
    { "rule": "!has(self.http) || has(self.digest)", "message": "a module from http needs a digest", "fieldPath": ".digest" },
]))]
pub struct Module {
    /// A path, relative to the manifest's own file. Only for manifests that are read from a directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub file: Option<String>,
    /// A key of binaryData in a ConfigMap of the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapKey>,
    /// An image in a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oci: Option<OciImage>,
    /// A file on a web server. It needs a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpFile>,
    /// sha256:<64 hexadecimal digits>, which the module's bytes must then have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71), regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
}

/// One entry of binaryData.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigMapKey {
    /// Of the ConfigMap, in the namespace of the Policy.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Of the entry that has the module's bytes.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OciImage {
    /// registry/repository:tag, with or instead of the tag @sha256:<64 hexadecimal digits> of the manifest.
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = [{
        "rule": "self.matches('^[^/@ ]+/[^ ]+$')",
        "message": "write the image in full, with its registry: registry.example.com/team/policy:v1",
    }]))]
    pub image: String,
    /// A Secret of type kubernetes.io/dockerconfigjson in the same namespace. Without one the pull is anonymous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub pull_secret: Option<String>,
    /// How often a tag is looked up again: a whole number of s, m or h, at least 1s. Default 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), extend("x-kubernetes-validations" = [{
        "rule": duration("duration(self) >= duration('1s')"),
        "message": "write a number and a unit, at least 1s, such as 5m",
    }]))]
    pub interval: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpFile {
    /// An http or https URL of the module's bytes.
    #[schemars(length(max = 4096), regex(pattern = "^https?://[^ ]+$"))]
    pub url: String,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "interfaces, headers and upstreams, such as { interfaces: [log] }"
)]
pub struct Grants {
    /// Interfaces of cardea:policy that the module may import, beside types and exchange.
    #[serde(default)]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub interfaces: Vec<Interface>,
    /// Guarded request headers that the policy may write, such as x-forwarded-for.
    #[serde(default)]
    #[schemars(
        length(max = 64),
        inner(length(min = 1, max = 256), regex(pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub headers: Vec<String>,
    /// Services of the same namespace that a module of another ABI may call, `service:port` by the name that the module knows
    /// each by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub upstreams: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Interface {
    Log,
    Metrics,
    Clock,
    Random,
    KvLocal,
    Counters,
}

impl Interface {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Metrics => "metrics",
            Self::Clock => "clock",
            Self::Random => "random",
            Self::KvLocal => "kv-local",
            Self::Counters => "counters",
        }
    }
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProxyWasm {
    /// Which of the module's root contexts serves, for modules that register them by name. Default: the empty name.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub root_id: String,
    /// What the plugin reads when its VM starts; any value, as config is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_value")]
    pub vm_config: Option<serde_json::Value>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Wall time of one call of the policy: a whole number of us, ms, s or m. Default 5ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), extend("x-kubernetes-validations" = [{
        "rule": duration("duration(self) >= duration('1ms') && duration(self) <= duration('1s')"),
        "message": "write a number and a unit, from 1ms to 1s, such as 5ms",
    }]))]
    pub deadline: Option<String>,
    /// Linear memory of one instance: a whole number of bytes, Ki, Mi, Gi, k, M or G. Default 16Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Amount>,
    /// Most request body that the policy may ask to see, in the same units; 0 for none. Default 64Ki.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Amount>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq)]
pub enum FailureMode {
    #[default]
    Deny,
    Skip,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    #[default]
    Pooled,
    Request,
}

/// A number of bytes as written: `16Mi`, or a plain number.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(transparent)]
pub struct Amount(pub String);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of bytes, or text such as 16Mi")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
        Ok(Amount(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Amount, E> {
        Ok(Amount(number.to_string()))
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "maxLength": 32,
            "x-kubernetes-validations": [{
                "rule": "type(self) == int ? self >= 0 : self.matches('^[0-9]+(k|M|G|T|Ki|Mi|Gi|Ti)?$')",
                "message": "write a whole number of bytes, with k, M, G, T, Ki, Mi, Gi or Ti if need be, such as 16Mi",
            }],
        })
    }
}

/// In CEL: text that `units::duration` reads, within bounds.
fn duration(bounds: &str) -> String {
    format!("self.matches('^([0-9]+(us|ms|s|m|h))+$') && {bounds}")
}

fn any_value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Handed to the policy as JSON when it starts; any value.",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

/// The CustomResourceDefinition of Policy, as YAML to apply to a cluster.
///
/// # Errors
/// Never for the resource as it is; the serializer's error is passed on rather than hidden.
pub fn crd_yaml() -> Result<String, serde_yaml::Error> {
    serde_yaml::to_string(&Policy::crd())
}
