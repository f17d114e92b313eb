//! Signatures as cosign keeps them since version 3: a Sigstore bundle in an image of its own that refers to the signed one.
//!
//! Of a bundle only the envelope is read: a statement (in-toto) that names the digest, and signatures over it (DSSE).
//! (Sources: sigstore/cosign, specs/BUNDLE_SPEC.md; secure-systems-lab/dsse, protocol.md.)

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Signed;
use crate::fetch::fault::Fault;
use crate::fetch::manifest::{Index, Manifest};
use crate::fetch::session::Session;

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
const STATEMENT: &str = "application/vnd.in-toto+json";
/// What tells a signature from other statements by the same key, such as a bill of materials.
const PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";
const BUNDLE_BYTES_MAX: u64 = 256 << 10;
/// Images that refer to one and are looked at.
const REFERRERS_MAX: usize = 32;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: SubjectDigest,
}

#[derive(Deserialize)]
struct SubjectDigest {
    sha256: String,
}

/// The signatures in the images that refer to this one; what is no bundle is passed over.
pub(super) async fn fetch(session: &mut Session<'_>, manifest_digest: &str) -> Result<Vec<Signed>, Fault> {
    let Some(text) = session.referrers(manifest_digest).await? else { return Ok(Vec::new()) };
    let Ok(index) = serde_json::from_slice::<Index>(&text) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for listed in index.manifests.iter().take(REFERRERS_MAX) {
        if !crate::fetch::is_digest(&listed.digest) {
            continue;
        }
        let Some(raw) = session.manifest(&listed.digest).await? else { continue };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&raw.bytes) else { continue };
        let [layer] = manifest.layers.as_slice() else { continue };
        if layer.media_type.starts_with(BUNDLE) && layer.size <= BUNDLE_BYTES_MAX {
            all.extend(signed(&session.blob(layer, "a signature", BUNDLE_BYTES_MAX).await?));
        }
    }
    Ok(all)
}

/// What the envelope of a bundle holds, not verified.
pub(in crate::fetch) fn signed(bundle: &[u8]) -> Vec<Signed> {
    let envelope = serde_json::from_slice::<Bundle>(bundle).ok().and_then(|bundle| bundle.dsse_envelope);
    let Some(envelope) = envelope.filter(|envelope| envelope.payload_type == STATEMENT) else { return Vec::new() };
    let Ok(statement) = STANDARD.decode(&envelope.payload) else { return Vec::new() };
    let payload = [head(statement.len()).as_bytes(), &statement].concat();
    let signatures = envelope.signatures.iter().filter_map(|one| STANDARD.decode(&one.sig).ok());
    signatures.map(|signature| Signed { payload: payload.clone(), signature }).collect()
}

/// Whether a payload, as it was signed, is a statement that the manifest is signed.
pub(super) fn is_of(payload: &[u8], manifest_digest: &str) -> bool {
    let parts = payload.iter().position(|byte| *byte == b'{').and_then(|at| payload.split_at_checked(at));
    let Some((before, statement)) = parts else { return false };
    if before != head(statement.len()).as_bytes() {
        return false;
    }
    serde_json::from_slice::<Statement>(statement).is_ok_and(|statement| {
        let is_subject = |subject: &Subject| Some(&*subject.digest.sha256) == manifest_digest.strip_prefix("sha256:");
        statement.predicate_type == PREDICATE && statement.subject.iter().any(is_subject)
    })
}

/// What is signed before a statement of so many bytes (DSSE's pre-authentication encoding).
fn head(bytes: usize) -> String {
    format!("DSSEv1 {} {STATEMENT} {bytes} ", STATEMENT.len())
}
