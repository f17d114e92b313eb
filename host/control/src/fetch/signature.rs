//! Who says that an image is theirs: signatures as cosign keeps them, checked against keys that the operator trusts.
//!
//! A signature is over a small JSON text, the payload, that names the digest of a manifest. Payload and signature are a
//! layer, and its annotation, of an image at the tag `sha256-<hex of that digest>.sig` in the same repository (source:
//! sigstore/cosign, specs/SIGNATURE_SPEC.md), or since version 3 a [`bundle`]. Nothing here trusts what has not been
//! verified: the payload is read only after its signature was good.

mod bundle;
mod key;
mod policy;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fault::{Fault, IMAGE};
use super::manifest::{Descriptor, Manifest, OCI_MANIFEST};
use super::session::Session;

#[cfg(test)]
pub(super) use bundle::signed as in_bundle;
pub use key::{KeyError, PublicKey, SigningKey};
pub use policy::{Demand, PolicyError, SignaturePolicy};

const PAYLOAD_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ANNOTATION: &str = "dev.cosignproject.cosign/signature";
const TYPE: &str = "cosign container image signature";
const PAYLOAD_BYTES_MAX: u64 = 64 << 10;
/// Signatures of one image that are looked at.
const SIGNATURES_MAX: usize = 32;

/// A payload and one signature over it, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub payload: Vec<u8>,
    pub signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: SignedImage,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct SignedImage {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// What a signature of the manifest is over.
pub fn payload(name: &str, manifest_digest: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Ordered<'a> {
        critical: serde_json::Value,
        optional: Option<&'a str>,
    }
    let critical = json!({
        "identity": { "docker-reference": name },
        "image": { "docker-manifest-digest": manifest_digest },
        "type": TYPE,
    });
    serde_json::to_vec(&Ordered { critical, optional: None }).unwrap_or_default()
}

/// Whether one of the keys signed the manifest. The error says what is wrong.
pub fn verify(signed: &[Signed], keys: &[PublicKey], manifest_digest: &str) -> Result<(), String> {
    if signed.is_empty() {
        return Err("it is not signed".into());
    }
    let mut by_known = signed.iter().filter(|one| keys.iter().any(|key| key.verify(&one.payload, &one.signature)));
    if by_known.clone().next().is_none() {
        let how_many =
            if signed.len() == 1 { "its signature is".into() } else { format!("its {} signatures are", signed.len()) };
        return Err(format!("{how_many} by none of the keys that may sign it"));
    }
    let is_of_this = |one: &Signed| {
        bundle::is_of(&one.payload, manifest_digest)
            || serde_json::from_slice::<Payload>(&one.payload)
                .is_ok_and(|payload| payload.critical.kind == TYPE && payload.critical.image.digest == manifest_digest)
    };
    match by_known.any(is_of_this) {
        true => Ok(()),
        false => Err("its signature is of another manifest".into()),
    }
}

/// Where the signatures of a manifest are.
pub fn tag(manifest_digest: &str) -> String {
    format!("{}.sig", manifest_digest.replace(':', "-"))
}

/// The signatures that the registry has for a manifest; none is no fault. Bundles are looked for where no other
/// signature is good.
pub(super) async fn fetch(
    session: &mut Session<'_>,
    manifest_digest: &str,
    keys: &[PublicKey],
) -> Result<Vec<Signed>, Fault> {
    let mut all = tagged(session, manifest_digest).await?;
    if verify(&all, keys, manifest_digest).is_err() {
        all.extend(bundle::fetch(session, manifest_digest).await?);
    }
    Ok(all)
}

async fn tagged(session: &mut Session<'_>, manifest_digest: &str) -> Result<Vec<Signed>, Fault> {
    let Some(raw) = session.manifest(&tag(manifest_digest)).await? else { return Ok(Vec::new()) };
    let manifest: Manifest = serde_json::from_slice(&raw.bytes)
        .map_err(|error| Fault::content(IMAGE, format!("its signatures are no manifest: {error}")))?;
    let mut all = Vec::new();
    for layer in manifest.layers.iter().take(SIGNATURES_MAX) {
        if layer.media_type != PAYLOAD_TYPE {
            continue;
        }
        let Some(signature) = layer.annotations.get(ANNOTATION).and_then(|text| STANDARD.decode(text).ok()) else {
            continue;
        };
        let payload = session.blob(layer, "a signature", PAYLOAD_BYTES_MAX).await?;
        all.push(Signed { payload, signature });
    }
    Ok(all)
}

/// Adds a signature to those that the registry has.
pub(super) async fn attach(session: &mut Session<'_>, manifest_digest: &str, signed: &Signed) -> Result<(), Fault> {
    let tag = tag(manifest_digest);
    let empty = br#"{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":[]},"config":{}}"#;
    let config = Descriptor::of("application/vnd.oci.image.config.v1+json", empty);
    let mut layer = Descriptor::of(PAYLOAD_TYPE, &signed.payload);
    layer.annotations.insert(ANNOTATION.to_owned(), STANDARD.encode(&signed.signature));
    session.put_blob(&config, empty).await?;
    session.put_blob(&layer, &signed.payload).await?;
    let before = session.manifest(&tag).await?.and_then(|raw| serde_json::from_slice::<Manifest>(&raw.bytes).ok());
    let mut layers = before.map(|manifest| manifest.layers).unwrap_or_default();
    layers.push(layer);
    let media_type = Some(OCI_MANIFEST.to_owned());
    let manifest = Manifest { schema_version: 2, media_type, config, layers, annotations: Default::default() };
    let bytes = serde_json::to_vec(&manifest).map_err(|error| Fault::content(IMAGE, error.to_string()))?;
    session.put_manifest(&tag, OCI_MANIFEST, &bytes).await
}
