//! When certificates change, and that whoever trusted the old ones trusts the new ones.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{AUTHORITY_LEFT_MIN, AUTHORITY_LIFE, AUTHORITY_SETTLES, Bundle, renew};

const DAY: i64 = 24 * 60 * 60;
const LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const NOW: i64 = 1_800_000_000;

fn names() -> Vec<String> {
    vec!["cardea-webhook.cardea.svc".to_owned()]
}

fn first() -> Bundle {
    renew(None, &names(), LIFE, NOW).unwrap().unwrap()
}

/// Whether a client with this `caBundle` accepts the certificate.
fn trusts(authorities: &str, bundle: &Bundle, name: &str, now: i64) -> bool {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        roots.add(authority.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let certificate = CertificateDer::from_pem_slice(bundle.pair.certificate_pem.as_bytes()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap()));
    let name = ServerName::try_from(name.to_owned()).unwrap();
    verifier.verify_server_cert(&certificate, &[], &name, &[], now).is_ok()
}

#[test]
fn the_first_bundle_is_trusted_for_its_names_alone_while_it_lasts() {
    let bundle = first();
    assert!(trusts(&bundle.authorities, &bundle, "cardea-webhook.cardea.svc", NOW));
    assert!(trusts(&bundle.authorities, &bundle, "cardea-webhook.cardea.svc", NOW - 60), "a clock that is behind");
    assert!(!trusts(&bundle.authorities, &bundle, "other.cardea.svc", NOW));
    assert!(!trusts(&bundle.authorities, &bundle, "cardea-webhook.cardea.svc", NOW + 91 * DAY));
    assert!(!trusts(&first().authorities, &bundle, "cardea-webhook.cardea.svc", NOW), "another authority");
}

#[test]
fn a_certificate_is_renewed_after_two_thirds_under_the_same_authority() {
    let bundle = first();
    assert_eq!(renew(Some(&bundle), &names(), LIFE, NOW + 59 * DAY).unwrap(), None);
    let next = renew(Some(&bundle), &names(), LIFE, NOW + 60 * DAY).unwrap().unwrap();
    assert_ne!(next.pair, bundle.pair);
    assert_eq!(next.authorities, bundle.authorities);
    assert!(trusts(&bundle.authorities, &next, &names()[0], NOW + 149 * DAY));
}

#[test]
fn another_name_needs_another_certificate() {
    let bundle = first();
    let other = vec!["renamed.cardea.svc".to_owned()];
    let next = renew(Some(&bundle), &other, LIFE, NOW + 1).unwrap().unwrap();
    assert!(trusts(&bundle.authorities, &next, &other[0], NOW + 1));
    assert_eq!(renew(Some(&next), &other, LIFE, NOW + 2).unwrap(), None);
}

#[test]
fn a_new_authority_is_known_before_it_signs_and_the_old_one_is_trusted_after() {
    let mut bundle = first();
    let due = NOW + AUTHORITY_LIFE - AUTHORITY_LEFT_MIN;
    // Certificates up to then, so that only the authority is due.
    bundle = super::make::certificate(&bundle, &names(), 90 * DAY, due - DAY).unwrap();
    let added = renew(Some(&bundle), &names(), LIFE, due).unwrap().unwrap();
    assert_eq!(added.pair, bundle.pair);
    assert_eq!(added.dates.authorities.len(), 2);
    assert_eq!(renew(Some(&added), &names(), LIFE, due + AUTHORITY_SETTLES - 1).unwrap(), None);
    let signed = renew(Some(&added), &names(), LIFE, due + AUTHORITY_SETTLES).unwrap().unwrap();
    let at = due + AUTHORITY_SETTLES;
    assert!(trusts(&added.authorities, &bundle, &names()[0], at), "the old certificate by the new bundle");
    assert!(trusts(&added.authorities, &signed, &names()[0], at), "the new certificate by the new bundle");
    assert!(!trusts(&bundle.authorities, &signed, &names()[0], at), "which is why it waits");
    assert_eq!(renew(Some(&signed), &names(), LIFE, at + 1).unwrap(), None);
}

#[test]
fn what_has_run_out_is_made_anew_and_expired_authorities_go() {
    let bundle = first();
    let late = NOW + AUTHORITY_LIFE + 1;
    let next = renew(Some(&bundle), &names(), LIFE, late).unwrap().unwrap();
    assert_eq!(next.dates.authorities, [late]);
    assert!(trusts(&next.authorities, &next, &names()[0], late));
}

#[test]
fn a_key_is_never_shown() {
    let shown = format!("{:?}", first().pair);
    assert!(shown.contains("BEGIN CERTIFICATE") && !shown.contains("PRIVATE KEY"), "{shown}");
}
