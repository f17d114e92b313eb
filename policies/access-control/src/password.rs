//! A hashed password as the config holds it: `sha256:SALT:HEX` or `pbkdf2-sha256:ITERATIONS:SALT:HEX`.

use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// More would not end within any deadline that a policy should have: see the README for the time of each.
pub const ITERATIONS_MAX: u32 = 20_000;

#[derive(Debug, Clone)]
pub struct Password {
    /// 0: SHA-256 of salt and password, once.
    iterations: u32,
    salt: String,
    hash: [u8; 32],
}

impl Password {
    pub fn parse(text: &str) -> Result<Password, String> {
        let wrong = || "a hash is sha256:SALT:HEX or pbkdf2-sha256:ITERATIONS:SALT:HEX, with 64 hex digits".to_string();
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (iterations, rest) = match kind {
            "sha256" => (0, rest),
            "pbkdf2-sha256" => {
                let (iterations, rest) = rest.split_once(':').ok_or_else(wrong)?;
                (iterations.parse().map_err(|_| wrong())?, rest)
            }
            _ => return Err(wrong()),
        };
        if kind != "sha256" && !(1..=ITERATIONS_MAX).contains(&iterations) {
            return Err(format!(
                "{iterations} iterations; between 1 and {ITERATIONS_MAX} end within a policy's deadline"
            ));
        }
        let (salt, hex) = rest.rsplit_once(':').ok_or_else(wrong)?;
        Ok(Password { iterations, salt: salt.to_string(), hash: from_hex(hex).ok_or_else(wrong)? })
    }

    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// In constant time for passwords of one length.
    pub fn matches(&self, password: &str) -> bool {
        let mut hash = [0; 32];
        if self.iterations == 0 {
            hash = Sha256::new().chain_update(&self.salt).chain_update(password).finalize().into();
        } else {
            pbkdf2_hmac::<Sha256>(password.as_bytes(), self.salt.as_bytes(), self.iterations, &mut hash);
        }
        self.hash.ct_eq(&hash).into()
    }
}

fn from_hex(hex: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = hex.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
    let bytes: Vec<u8> = digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if hex.len() == 64 { bytes.try_into().ok() } else { None }
}
