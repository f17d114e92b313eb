//! `cardea policy sign` and `verify`: signatures that cosign can check, and that it can make.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use cardea_control::fetch::{KeyError, PublicKey, SigningKey};

use super::mistake::Mistake;
use super::{Verdict, print, registry};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to sign: registry/repository:tag, or better with @sha256: and the digest.
    #[arg(value_name = "IMAGE", required_unless_present = "generate_key")]
    image: Option<String>,
    /// A private key, PKCS #8 as PEM: ECDSA P-256 or Ed25519.
    #[arg(long, value_name = "FILE", required_unless_present = "generate_key")]
    key: Option<PathBuf>,
    /// Make a key pair first: PREFIX.key, for you alone, and PREFIX.pub.
    #[arg(long, value_name = "PREFIX", conflicts_with = "key")]
    generate_key: Option<PathBuf>,
    #[command(flatten)]
    registry: registry::Args,
}

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// registry/repository:tag, or with @sha256: and the digest.
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Public keys, as PEM; one of them must have signed.
    #[arg(long = "key", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    #[command(flatten)]
    registry: registry::Args,
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let key = match (&args.generate_key, &args.key) {
        (Some(prefix), _) => generate(prefix)?,
        (None, Some(path)) => {
            let text = std::fs::read(path).map_err(|error| Mistake::unreadable(path, &error))?;
            SigningKey::from_pem(&text).map_err(|error| unusable(path, error))?
        }
        (None, None) => return Err(Mistake::usage("there is no key", "give --key, or make one with --generate-key")),
    };
    let Some(image) = &args.image else { return Ok(Verdict::Good) };
    let place = registry::Place::open(image, &args.registry)?;
    let digest = registry::wait(place.repository(true).sign(&key))?;
    print::line(format!("{}@{digest}", place.image.name()));
    print::progress(format!("signed {}", place.image));
    Ok(Verdict::Good)
}

pub fn verify(args: &VerifyArgs) -> Result<Verdict, Mistake> {
    let mut keys = Vec::new();
    for path in &args.keys {
        let text = std::fs::read(path).map_err(|error| Mistake::unreadable(path, &error))?;
        keys.push(PublicKey::from_pem(&text).map_err(|error| unusable(path, error))?);
    }
    let place = registry::Place::open(&args.image, &args.registry)?;
    let (digest, verified) = registry::wait(place.repository(false).verify(&keys))?;
    print::line(format!("{}@{digest}", place.image.name()));
    Ok(match verified {
        Ok(()) => {
            print::progress("  ok: one of the keys signed it");
            Verdict::Good
        }
        Err(message) => {
            print::progress(format!("  refused: {message}\n  help: sign it with `cardea policy sign`"));
            Verdict::Bad
        }
    })
}

fn unusable(path: &Path, error: KeyError) -> Mistake {
    let remedy = match error {
        KeyError::Encrypted => {
            "decrypt it first, or make one with --generate-key and keep it where only you can read it"
        }
        KeyError::NoPublicKey => "name the public key: a file that begins with BEGIN PUBLIC KEY",
        _ => "name a PKCS #8 key of kind ECDSA P-256 or Ed25519, or make one with --generate-key",
    };
    Mistake::usage(format!("{}: {error}", path.display()), remedy)
}

fn generate(prefix: &Path) -> Result<SigningKey, Mistake> {
    let named = |extension: &str| {
        let mut path = prefix.as_os_str().to_owned();
        path.push(extension);
        PathBuf::from(path)
    };
    let (private, public) = (named(".key"), named(".pub"));
    let (key, pem) = SigningKey::generate().map_err(|error| unusable(&private, error))?;
    write_new(&private, 0o600, &pem)?;
    write_new(&public, 0o644, &key.public().to_pem())?;
    print::progress(format!("made {} and {}", private.display(), public.display()));
    Ok(key)
}

/// A key that is there is never written over.
fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), Mistake> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| Mistake::unwritable(path, error))
}
