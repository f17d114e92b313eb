//! Keys and certificates, made with rcgen.

use std::time::Duration;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use super::{AUTHORITY_LIFE, Bundle, Dates, Pair, SKEW};

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
#[error("the webhook's certificate cannot be made: {0}")]
pub struct MakeError(#[from] rcgen::Error);

/// A new authority and a certificate of it. The authorities of an older bundle stay trusted.
pub(super) fn everything(older: Option<&Bundle>, names: &[String], life: i64, now: i64) -> Result<Bundle, MakeError> {
    let key = KeyPair::generate()?;
    let authority = authority_params(now)?.self_signed(&key)?;
    let (authorities, made) = bundle(&authority, now, older);
    let dates = Dates { names: Vec::new(), made: 0, expires: 0, signed_by: 0, authorities: made };
    let pair = Pair { certificate_pem: String::new(), key_pem: String::new() };
    let unsigned = Bundle { pair, authorities, authority_key_pem: key.serialize_pem(), dates };
    certificate(&unsigned, names, life, now)
}

/// A new authority, which signs nothing yet.
pub(super) fn authority(held: &Bundle, now: i64) -> Result<Bundle, MakeError> {
    let key = KeyPair::generate()?;
    let authority = authority_params(now)?.self_signed(&key)?;
    let (authorities, made) = bundle(&authority, now, Some(held));
    let dates = Dates { authorities: made, ..held.dates.clone() };
    Ok(Bundle { authorities, authority_key_pem: key.serialize_pem(), dates, pair: held.pair.clone() })
}

/// A new certificate of the newest authority.
pub(super) fn certificate(held: &Bundle, names: &[String], life: i64, now: i64) -> Result<Bundle, MakeError> {
    let signed_by = held.dates.authorities.first().copied().unwrap_or(now);
    let issuer = Issuer::new(authority_params(signed_by)?, KeyPair::from_pem(&held.authority_key_pem)?);
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name = named("cardea webhook");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, now + life);
    let pair = Pair { certificate_pem: params.signed_by(&key, &issuer)?.pem(), key_pem: key.serialize_pem() };
    let dates = Dates { names: names.to_vec(), made: now, expires: now + life, signed_by, ..held.dates.clone() };
    Ok(Bundle { pair, dates, ..held.clone() })
}

/// A new authority in front of those that are still good.
fn bundle(authority: &Certificate, now: i64, older: Option<&Bundle>) -> (String, Vec<i64>) {
    let mut all = authority.pem();
    let mut made = vec![now];
    if let Some(older) = older {
        for (pem, at) in split(&older.authorities).zip(&older.dates.authorities) {
            // Two of one second would have one name.
            if at + AUTHORITY_LIFE > now && *at != now {
                all.push_str(pem);
                made.push(*at);
            }
        }
    }
    (all, made)
}

/// The certificates of a PEM text, one by one.
fn split(pem: &str) -> impl Iterator<Item = &str> {
    const END: &str = "-----END CERTIFICATE-----\n";
    pem.split_inclusive(END).filter(|part| part.ends_with(END))
}

/// What an authority is called follows from when it was made, so that it need not be read back from its certificate.
fn authority_params(made: i64) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = named(&format!("cardea webhook authority {made}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    set_validity(&mut params, made, made + AUTHORITY_LIFE);
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// A little earlier than `from`, for clocks that are behind. Nothing here is before 1970.
fn set_validity(params: &mut CertificateParams, from: i64, until: i64) {
    let moment = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    params.not_before = date_time_ymd(1970, 1, 1) + moment(from - SKEW);
    params.not_after = date_time_ymd(1970, 1, 1) + moment(until);
}
