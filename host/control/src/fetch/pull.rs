//! One try to have a module: what is asked for, in which order, and what is refused before it is downloaded.
//!
//! The order is the promise: tag to digest, signature, what the config says is imported, and only then the module.

use std::sync::Arc;

use super::client::{Client, body, digest, host_of};
use super::credentials::{Login, login};
use super::fault::{DIGEST, Fault, GRANTS, IMAGE, PULL_SECRET, URL};
use super::image::Image;
use super::layer::unpack;
use super::manifest::{Config, Index, Manifest, WASM_CONFIG, not_granted};
use super::modules::Modules;
use super::session::{Access, Session, blocking};
use super::signature::{self, Demand, SignaturePolicy, Signed};
use super::wanted::{Good, Remote, Wanted};

const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// What a place was found to hold, with what it takes to check it again without the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What a tag stands for; `None` of a URL.
    pub manifest: Option<String>,
    /// As the image's config says it; empty where it says nothing.
    pub imports: Vec<String>,
    pub signed: Vec<Signed>,
    pub good: Good,
}

/// One try.
pub(super) struct Pull<'a> {
    pub client: &'a Client,
    pub signatures: Option<&'a SignaturePolicy>,
    pub module_bytes_max: u64,
    pub wanted: &'a Wanted,
    /// What the place held when it was last asked.
    pub known: Option<&'a Resolved>,
    pub modules: &'a Modules,
}

impl Pull<'_> {
    pub async fn run(&self) -> Result<Resolved, Fault> {
        match &self.wanted.remote {
            Remote::Oci { image, .. } => self.oci(image).await,
            Remote::Http { url } => self.http(url).await,
        }
    }

    /// Whether what is known may serve without asking anybody.
    pub fn may_serve(&self, known: &Resolved) -> bool {
        let is_version = match &self.wanted.remote {
            Remote::Http { .. } => known.manifest.is_none(),
            Remote::Oci { image, .. } => {
                Image::parse(image).is_ok_and(|image| image.digest.is_none() || image.digest == known.manifest)
            }
        };
        let is_signed = || match (self.demand(), &known.manifest) {
            (Demand::Nothing, _) => true,
            (Demand::SignedBy(keys), Some(manifest)) => signature::verify(&known.signed, keys, manifest).is_ok(),
            _ => false,
        };
        is_version && self.pinned(&known.good.digest).is_ok() && self.granted(&known.imports).is_ok() && is_signed()
    }

    fn demand(&self) -> Demand<'_> {
        let Some(policy) = self.signatures else { return Demand::Nothing };
        let name = match &self.wanted.remote {
            Remote::Oci { image, .. } => Image::parse(image).map(|image| image.name()).unwrap_or_default(),
            Remote::Http { url } => url.split_once("://").map_or(&**url, |(_, rest)| rest).to_owned(),
        };
        policy.demand(&self.wanted.namespace, &name)
    }

    /// Asks the mirrors and then the registry itself; what the last one says is said.
    async fn oci(&self, name: &str) -> Result<Resolved, Fault> {
        let image =
            Image::parse(name).map_err(|message| Fault::new(IMAGE, message, "write registry/repository:tag"))?;
        let mut fault = None;
        for host in self.client.hosts(&image.registry) {
            let login = self.login(&host, &image)?;
            let mut session = Session::new(self.client, &host, &image.repository, Access::Pull, login);
            match self.attempt(&mut session, &image).await {
                Ok(resolved) => return Ok(resolved),
                Err(next) => fault = Some(next),
            }
        }
        Err(fault.unwrap_or_else(|| Fault::passing(IMAGE, "there is no host to ask")))
    }

    fn login(&self, host: &str, image: &Image) -> Result<Option<Login>, Fault> {
        let Some(credentials) = &self.wanted.credentials else { return Ok(None) };
        login(&credentials.0, host, &image.repository).map_err(|message| {
            let message = format!("the pull secret cannot be used: {message}");
            Fault::new(PULL_SECRET, message, "make it anew: `kubectl create secret docker-registry`")
        })
    }

    async fn attempt(&self, session: &mut Session<'_>, image: &Image) -> Result<Resolved, Fault> {
        if let Some(known) = self.unchanged(session, image).await? {
            let manifest = known.manifest.clone().unwrap_or_default();
            let signed = self.signed(session, &manifest).await?;
            self.granted(&known.imports)?;
            self.pinned(&known.good.digest)?;
            return Ok(Resolved { signed, ..known.clone() });
        }
        let (found, manifest) = self.manifest(session, image).await?;
        let signed = self.signed(session, &found).await?;
        let imports = self.imports(session, &manifest).await?;
        self.granted(&imports)?;
        let good = self.module(session, &manifest).await?;
        Ok(Resolved { manifest: Some(found), imports, signed, good })
    }

    /// What is known, if it is what the name still stands for.
    async fn unchanged(&self, session: &mut Session<'_>, image: &Image) -> Result<Option<&Resolved>, Fault> {
        let Some(known) = self.known.filter(|known| known.manifest.is_some()) else { return Ok(None) };
        let now = match &image.digest {
            Some(digest) => Some(digest.clone()),
            None => session.resolve(image.version()).await?,
        };
        Ok(Some(known).filter(|known| known.manifest == now))
    }

    /// The manifest with its module, and the digest that the name stands for: of a list, if it is one.
    async fn manifest(&self, session: &mut Session<'_>, image: &Image) -> Result<(String, Manifest), Fault> {
        let raw = self.raw(session, image.version()).await?;
        let top = raw.digest.clone();
        let raw = match Index::is(&raw.media_type) {
            false => raw,
            true => {
                let index: Index = serde_json::from_slice(&raw.bytes).map_err(|error| no_manifest(&error))?;
                let one = index.module().ok_or_else(|| {
                    Fault::content(IMAGE, "it is a list of images for platforms, and none is for Wasm")
                })?;
                self.raw(session, one).await?
            }
        };
        Ok((top, serde_json::from_slice(&raw.bytes).map_err(|error| no_manifest(&error))?))
    }

    async fn raw(&self, session: &mut Session<'_>, version: &str) -> Result<super::session::Raw, Fault> {
        session.manifest(version).await?.ok_or_else(|| {
            Fault::new(IMAGE, format!("the registry has no manifest {version}"), "push it, or correct the name")
        })
    }

    async fn signed(&self, session: &mut Session<'_>, manifest: &str) -> Result<Vec<Signed>, Fault> {
        let keys = match self.demand() {
            Demand::Nothing => return Ok(Vec::new()),
            Demand::Refused => return Err(self.refused()),
            Demand::SignedBy(keys) => keys,
        };
        if let Some(known) = self.known.filter(|known| signature::verify(&known.signed, keys, manifest).is_ok()) {
            return Ok(known.signed.clone());
        }
        let signed = signature::fetch(session, manifest, keys).await?;
        signature::verify(&signed, keys, manifest).map_err(|message| {
            let message = format!("{manifest} is refused: {message}");
            Fault::new(IMAGE, message, "sign it with a key of the operator's signature policy: `cardea policy sign`")
        })?;
        Ok(signed)
    }

    fn refused(&self) -> Fault {
        let (field, what) = match self.wanted.remote {
            Remote::Oci { .. } => (IMAGE, "the operator's signature policy has no rule for it in this namespace"),
            Remote::Http { .. } => (URL, "the operator's signature policy lets no unsigned module from there in"),
        };
        Fault::new(field, what, "use a signed image that the policy names, or ask the operator for a rule")
    }

    /// What the config says, if it is of the kind that says anything.
    async fn imports(&self, session: &mut Session<'_>, manifest: &Manifest) -> Result<Vec<String>, Fault> {
        if manifest.config.media_type != WASM_CONFIG {
            return Ok(Vec::new());
        }
        let bytes = session.blob(&manifest.config, "the config", CONFIG_BYTES_MAX).await?;
        let config: Config = serde_json::from_slice(&bytes)
            .map_err(|error| Fault::content(IMAGE, format!("its config cannot be read: {error}")))?;
        Ok(config.component.map(|component| component.imports).unwrap_or_default())
    }

    fn granted(&self, imports: &[String]) -> Result<(), Fault> {
        match not_granted(imports, &self.wanted.grants) {
            None => Ok(()),
            Some(interface) => {
                let remedy = format!("add `{interface}` to spec.grants.interfaces, if the policy may have it");
                Err(Fault::new(GRANTS, format!("the image imports `{interface}`, which is not granted"), remedy))
            }
        }
    }

    async fn module(&self, session: &mut Session<'_>, manifest: &Manifest) -> Result<Good, Fault> {
        let (layer, form) = manifest.module().map_err(|message| Fault::content(IMAGE, message))?;
        if let Some(bytes) = self.modules.at_hand(&layer.digest) {
            self.pinned(&layer.digest)?;
            return Ok(Good { bytes, digest: Arc::from(layer.digest.as_str()) });
        }
        let bytes_max = self.module_bytes_max;
        let packed = session.blob(layer, "the module", bytes_max).await?;
        let unpacked = blocking(move || unpack(packed, form, bytes_max).map(|bytes| (digest(&bytes), bytes))).await?;
        let (digest, bytes) = unpacked.map_err(|message| Fault::content(IMAGE, message))?;
        self.pinned(&digest)?;
        known_wasm(IMAGE, &bytes)?;
        Ok(Good { bytes: bytes.into(), digest: digest.into() })
    }

    fn pinned(&self, digest: &str) -> Result<(), Fault> {
        match self.wanted.digest.as_deref() {
            Some(pin) if pin != digest => {
                let message = format!("the module has the digest {digest}");
                Err(Fault::new(DIGEST, message, "correct the digest, or see who changed the module"))
            }
            _ => Ok(()),
        }
    }

    async fn http(&self, url: &str) -> Result<Resolved, Fault> {
        if self.demand() != Demand::Nothing {
            return Err(self.refused());
        }
        if let Some(known) = self.known.filter(|known| self.pinned(&known.good.digest).is_ok()) {
            return Ok(known.clone());
        }
        let url = reqwest::Url::parse(url)
            .map_err(|error| Fault::new(URL, format!("it is no URL: {error}"), "write https://host/path"))?;
        let host = host_of(&url);
        let response = self.client.http().get(url).send().await;
        let response = response.map_err(|error| Fault::http(URL, &host, &error))?;
        if !response.status().is_success() {
            return Err(Fault::passing(URL, format!("{host} answers {}", response.status())));
        }
        let bytes = body(response, URL, "the module", self.module_bytes_max).await?;
        let (digest, bytes) = blocking(move || (digest(&bytes), bytes)).await?;
        self.pinned(&digest)?;
        known_wasm(URL, &bytes)?;
        let good = Good { bytes: bytes.into(), digest: digest.into() };
        Ok(Resolved { manifest: None, imports: Vec::new(), signed: Vec::new(), good })
    }
}

/// What can be no policy at all is not to push a good module out of the cache.
fn known_wasm(field: &'static str, module: &[u8]) -> Result<(), Fault> {
    let found = match module.get(..8) {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => return Ok(()),
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) if may_be_of_an_abi(module) => return Ok(()),
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => "a core Wasm module of no known ABI",
        _ => "not a Wasm component",
    };
    let remedy = "make a component of it: `cardea policy build`, or `wasm-tools component new`";
    Err(Fault::new(field, format!("the module is {found}"), remedy))
}

/// Names that a core module of an ABI that the engine knows has among its imports or exports. The engine looks closer.
const ABI_NAMES: [&[u8]; 3] = [b"http_handler", b"handle_request", b"proxy_abi_version_"];

fn may_be_of_an_abi(module: &[u8]) -> bool {
    ABI_NAMES.iter().any(|name| module.windows(name.len()).any(|window| window == *name))
}

fn no_manifest(error: &serde_json::Error) -> Fault {
    Fault::content(IMAGE, format!("its manifest cannot be read: {error}"))
}
