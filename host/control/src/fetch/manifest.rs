//! Which layer of a manifest is the module, and what its config says of it.
//!
//! The form that is written is the CNCF's (TAG Runtime, Wasm OCI artifact: a config of type
//! application/vnd.wasm.config.v0+json and one layer of type application/wasm). Older tools wrote one layer of another
//! type, or an image whose one tar layer has `plugin.wasm`: those are read too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const MANIFEST_TYPES: [&str; 4] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX];

pub const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
pub const WASM_LAYER: &str = "application/wasm";
/// As `oras push` and wasm-to-oci wrote them.
const OLD_LAYERS: [&str; 3] = [
    "application/vnd.wasm.content.layer.v1+wasm",
    "application/vnd.module.wasm.content.layer.v1+wasm",
    "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
];
const GZIP_LAYERS: [&str; 2] =
    ["application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"];
const TAR_LAYERS: [&str; 2] =
    ["application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar"];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    pub media_type: String,
    pub digest: String,
    pub size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        let digest = super::client::digest(bytes);
        let annotations = BTreeMap::new();
        Self { media_type: media_type.to_owned(), digest, size: bytes.len() as u64, annotations }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    pub config: Descriptor,
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A list of manifests, one a platform.
#[derive(Debug, Deserialize)]
pub struct Index {
    pub manifests: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
pub struct Listed {
    pub digest: String,
    pub platform: Option<Platform>,
}

#[derive(Debug, Deserialize)]
pub struct Platform {
    #[serde(default)]
    pub architecture: String,
}

impl Index {
    pub fn is(media_type: &str) -> bool {
        [OCI_INDEX, DOCKER_INDEX].contains(&media_type)
    }

    /// The manifest that is the module: the one for Wasm, or the only one that is for a platform at all.
    pub fn module(&self) -> Option<&str> {
        let architecture = |listed: &Listed| listed.platform.as_ref().map(|platform| platform.architecture.clone());
        let is = |listed: &&Listed| architecture(listed).is_some_and(|name| name.starts_with("wasm"));
        // `unknown` is how attestations are listed beside an image.
        let may_be = |listed: &&Listed| architecture(listed).is_none_or(|name| name != "unknown");
        let only = || {
            let mut all = self.manifests.iter().filter(may_be);
            all.next().filter(|_| all.next().is_none())
        };
        let found = self.manifests.iter().find(is).or_else(only)?;
        super::is_digest(&found.digest).then_some(found.digest.as_str())
    }
}

/// How the module is in the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Plain,
    Tar,
    TarGzip,
}

impl Manifest {
    /// The layer with the module. The error says what there is instead.
    pub fn module(&self) -> Result<(&Descriptor, Form), String> {
        let plain =
            |layer: &&Descriptor| layer.media_type == WASM_LAYER || OLD_LAYERS.contains(&layer.media_type.as_str());
        let mut modules = self.layers.iter().filter(plain);
        let found = match (modules.next(), modules.next()) {
            (Some(layer), None) => (layer, Form::Plain),
            (Some(_), Some(_)) => return Err("it has several layers of Wasm, and one is the module".into()),
            (None, _) => self.archive()?,
        };
        if !super::is_digest(&found.0.digest) {
            return Err("its layer has no sha256 digest".into());
        }
        Ok(found)
    }

    fn archive(&self) -> Result<(&Descriptor, Form), String> {
        let form = |layer: &Descriptor| match layer.media_type.as_str() {
            name if GZIP_LAYERS.contains(&name) => Some(Form::TarGzip),
            name if TAR_LAYERS.contains(&name) => Some(Form::Tar),
            _ => None,
        };
        match self.layers.as_slice() {
            [layer] => form(layer).map(|form| (layer, form)).ok_or_else(|| {
                format!("its layer is of type {:?}, and a module is of type {WASM_LAYER}", layer.media_type)
            }),
            [] => Err("it has no layer".into()),
            layers => Err(format!("it has {} layers, and a module is one layer of type {WASM_LAYER}", layers.len())),
        }
    }
}

/// The CNCF's config: what the module is made of, without the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// RFC 3339; the same bytes pushed twice have the same digest without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    pub architecture: String,
    pub os: String,
    #[serde(default)]
    pub layer_digests: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Component>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Component {
    #[serde(default)]
    pub exports: Vec<String>,
    #[serde(default)]
    pub imports: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// The first interface that is imported and not granted: `clock` of `cardea:policy/clock@0.1.0`.
///
/// Whether an import exists at all is for the engine, which sees the module itself.
pub fn not_granted<'a>(imports: &'a [String], grants: &[String]) -> Option<&'a str> {
    let interfaces = imports.iter().filter_map(|name| Some(name.strip_prefix("cardea:policy/")?.split_once('@')?.0));
    let mut asked = interfaces.filter(|name| !["types", "exchange"].contains(name));
    asked.find(|name| !grants.iter().any(|granted| granted == name))
}
