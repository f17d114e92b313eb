//! How a bundle is written into a Secret: as any webhook's, with what it is made of in an annotation.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;

use super::Place;
use crate::admission::certificate::{Bundle, Dates, Pair};

const DATES: &str = "cardea.dev/webhook-certificate";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITIES: &str = "ca.crt";
const AUTHORITY_KEY: &str = "ca.key";

/// `None` where the Secret does not hold a whole bundle, so that one is to be made.
pub(super) fn read(secret: &Secret) -> Option<Bundle> {
    let text = |key: &str| String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok();
    let dates: Dates = serde_json::from_str(secret.metadata.annotations.as_ref()?.get(DATES)?).ok()?;
    Some(Bundle {
        pair: Pair { certificate_pem: text(CERTIFICATE)?, key_pem: text(KEY)? },
        authorities: text(AUTHORITIES)?,
        authority_key_pem: text(AUTHORITY_KEY)?,
        dates,
    })
}

/// What `found` has of others, labels of a chart for one, stays.
pub(super) fn write(found: Option<Secret>, place: &Place, bundle: &Bundle) -> Secret {
    let mut secret = found.unwrap_or_else(|| Secret {
        metadata: ObjectMeta {
            name: Some(place.service.clone()),
            namespace: Some(place.namespace.clone()),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    });
    let dates = serde_json::to_string(&bundle.dates).unwrap_or_default();
    secret.metadata.annotations.get_or_insert_default().insert(DATES.to_owned(), dates);
    let entries = [
        (CERTIFICATE, &bundle.pair.certificate_pem),
        (KEY, &bundle.pair.key_pem),
        (AUTHORITIES, &bundle.authorities),
        (AUTHORITY_KEY, &bundle.authority_key_pem),
    ];
    let data: &mut BTreeMap<String, ByteString> = secret.data.get_or_insert_default();
    data.extend(entries.map(|(key, text)| (key.to_owned(), ByteString(text.clone().into_bytes()))));
    secret
}
