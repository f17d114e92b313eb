//! What a policy's author does with a registry: put a module there, take one, sign one, see who signed it.

use super::client::{Client, digest};
use super::credentials::Login;
use super::fault::{Fault, IMAGE};
use super::image::Image;
use super::layer::unpack;
use super::manifest::{Component, Config, Descriptor, Index, Manifest, OCI_MANIFEST, WASM_CONFIG, WASM_LAYER};
use super::session::{Access, Raw, Session};
use super::signature::{self, KeyError, PublicKey, Signed, SigningKey};

/// What is pushed.
#[derive(Debug, Clone)]
pub struct Artifact {
    pub module: Vec<u8>,
    /// Of a component, as written: `cardea:policy/exchange@0.1.0`. Absent of a core module, of proxy-wasm or http-wasm.
    pub component: Option<Interfaces>,
    /// RFC 3339; without it the same module has the same digest whenever it is pushed.
    pub created: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Interfaces {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// One repository, for one command.
#[derive(Debug)]
pub struct Repository<'a> {
    session: Session<'a>,
    image: &'a Image,
}

impl<'a> Repository<'a> {
    /// For pushing and signing too if `may_write`.
    pub fn new(client: &'a Client, image: &'a Image, login: Option<Login>, may_write: bool) -> Self {
        let access = if may_write { Access::Push } else { Access::Pull };
        Self { session: Session::new(client, &image.registry, &image.repository, access, login), image }
    }

    /// Puts the module under the image's tag; the digest of the manifest.
    ///
    /// # Errors
    /// The registry cannot be reached or refuses it.
    pub async fn push(&mut self, artifact: &Artifact) -> Result<String, Fault> {
        let layer = Descriptor::of(WASM_LAYER, &artifact.module);
        let config = Config {
            created: artifact.created.clone(),
            architecture: "wasm".into(),
            os: if artifact.component.is_some() { "wasip2" } else { "wasip1" }.into(),
            layer_digests: vec![layer.digest.clone()],
            component: artifact.component.clone().map(|Interfaces { imports, exports }| Component {
                exports,
                imports,
                target: None,
            }),
        };
        let config_bytes = serde_json::to_vec(&config).map_err(|error| Fault::content(IMAGE, error.to_string()))?;
        let config = Descriptor::of(WASM_CONFIG, &config_bytes);
        self.session.put_blob(&config, &config_bytes).await?;
        self.session.put_blob(&layer, &artifact.module).await?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(OCI_MANIFEST.to_owned()),
            config,
            layers: vec![layer],
            annotations: Default::default(),
        };
        let bytes = serde_json::to_vec(&manifest).map_err(|error| Fault::content(IMAGE, error.to_string()))?;
        let found = digest(&bytes);
        let version = self.image.tag.as_deref().unwrap_or(&found);
        self.session.put_manifest(version, OCI_MANIFEST, &bytes).await?;
        Ok(found)
    }

    /// The module, and the digest of its manifest.
    ///
    /// # Errors
    /// The registry has no such module, or one that cannot be read.
    pub async fn pull(&mut self, module_bytes_max: u64) -> Result<(Vec<u8>, String), Fault> {
        let raw = self.raw(self.image.version()).await?;
        let top = raw.digest.clone();
        let unreadable =
            |error: serde_json::Error| Fault::content(IMAGE, format!("its manifest cannot be read: {error}"));
        let raw = match Index::is(&raw.media_type) {
            false => raw,
            true => {
                let index: Index = serde_json::from_slice(&raw.bytes).map_err(unreadable)?;
                let one = index
                    .module()
                    .ok_or_else(|| Fault::content(IMAGE, "it is a list, and nothing in it is for Wasm"))?;
                self.raw(one).await?
            }
        };
        let manifest: Manifest = serde_json::from_slice(&raw.bytes).map_err(unreadable)?;
        let (layer, form) = manifest.module().map_err(|message| Fault::content(IMAGE, message))?;
        let packed = self.session.blob(layer, "the module", module_bytes_max).await?;
        let module = unpack(packed, form, module_bytes_max).map_err(|message| Fault::content(IMAGE, message))?;
        Ok((module, top))
    }

    /// Signs what the image's name stands for now; the digest that was signed.
    ///
    /// # Errors
    /// There is no such image, the registry refuses the signature, or the key cannot sign.
    pub async fn sign(&mut self, key: &SigningKey) -> Result<String, Fault> {
        let manifest = self.raw(self.image.version()).await?.digest;
        let payload = signature::payload(&self.image.name(), &manifest);
        let cannot = |error: KeyError| Fault::new(IMAGE, error.to_string(), "see that the system has random numbers");
        let signed = Signed { signature: key.sign(&payload).map_err(cannot)?, payload };
        signature::attach(&mut self.session, &manifest, &signed).await?;
        Ok(manifest)
    }

    /// The digest that the image's name stands for now, and whether one of the keys signed it: if not, why.
    ///
    /// # Errors
    /// There is no such image, or the registry cannot be asked.
    pub async fn verify(&mut self, keys: &[PublicKey]) -> Result<(String, Result<(), String>), Fault> {
        let manifest = self.raw(self.image.version()).await?.digest;
        let signed = signature::fetch(&mut self.session, &manifest, keys).await?;
        let verified = signature::verify(&signed, keys, &manifest);
        Ok((manifest, verified))
    }

    async fn raw(&mut self, version: &str) -> Result<Raw, Fault> {
        let missing = || {
            Fault::new(
                IMAGE,
                format!("{} has no manifest {version}", self.image.name()),
                "push it, or correct the name",
            )
        };
        self.session.manifest(version).await?.ok_or_else(missing)
    }
}
