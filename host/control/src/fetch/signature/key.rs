//! Keys that sign and verify: ECDSA on P-256 with SHA-256, and Ed25519, as PEM.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    UnparsedPublicKey,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

/// What stands before the point of a P-256 key in its SubjectPublicKeyInfo (RFC 5480, 2).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// And before an Ed25519 key (RFC 8410, 4).
const ED: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is not a PEM PUBLIC KEY")]
    NoPublicKey,
    #[error("it is not a PEM PRIVATE KEY")]
    NoPrivateKey,
    #[error("its key is encrypted")]
    Encrypted,
    #[error("its key is of another kind than ECDSA P-256 and Ed25519")]
    Kind,
    #[error("the system gives no random numbers")]
    NoRandom,
}

#[derive(Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// The uncompressed point.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256(_) => "PublicKey::P256",
            Self::Ed25519(_) => "PublicKey::Ed25519",
        })
    }
}

impl PublicKey {
    /// # Errors
    /// It is not one PEM public key of a known kind.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let info = SubjectPublicKeyInfoDer::from_pem_slice(text).map_err(|_| KeyError::NoPublicKey)?;
        let info: &[u8] = info.as_ref();
        match (info.strip_prefix(&P256), info.strip_prefix(&ED)) {
            (Some(point), _) if point.len() == 65 => Ok(Self::P256(point.to_vec())),
            (_, Some(key)) if key.len() == 32 => Ok(Self::Ed25519(key.to_vec())),
            _ => Err(KeyError::Kind),
        }
    }

    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature),
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
        };
        verified.is_ok()
    }

    pub fn to_pem(&self) -> String {
        let info = match self {
            Self::P256(point) => [P256.as_slice(), point].concat(),
            Self::Ed25519(key) => [ED.as_slice(), key].concat(),
        };
        pem("PUBLIC KEY", &info)
    }
}

/// Has no `Debug`: nothing may print it.
pub enum SigningKey {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// An unencrypted PKCS #8 key.
    ///
    /// # Errors
    /// It is not one PEM private key of a known kind.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        if text.windows(b"BEGIN ENCRYPTED".len()).any(|window| window == b"BEGIN ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        let key = PrivatePkcs8KeyDer::from_pem_slice(text).map_err(|_| KeyError::NoPrivateKey)?;
        Self::from_pkcs8(key.secret_pkcs8_der())
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &random) {
            return Ok(Self::P256(key));
        }
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::Ed25519).map_err(|_| KeyError::Kind)
    }

    /// A new P-256 key, and its PEM.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<(Self, String), KeyError> {
        let random = SystemRandom::new();
        let der =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(|_| KeyError::NoRandom)?;
        Ok((Self::from_pkcs8(der.as_ref())?, pem("PRIVATE KEY", der.as_ref())))
    }

    /// # Errors
    /// The system gives no random numbers.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::P256(key) => {
                let signature = key.sign(&SystemRandom::new(), message).map_err(|_| KeyError::NoRandom)?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }

    pub fn public(&self) -> PublicKey {
        match self {
            Self::P256(key) => PublicKey::P256(key.public_key().as_ref().to_vec()),
            Self::Ed25519(key) => PublicKey::Ed25519(key.public_key().as_ref().to_vec()),
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}
