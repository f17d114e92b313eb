//! `cardea policy pull`: a module out of a registry, in any form that the ingress reads.

use std::path::PathBuf;

use cardea_model::units;

use super::mistake::Mistake;
use super::{Verdict, print, registry};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// registry/repository:tag, or with @sha256: and the digest.
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Where the module is put.
    #[arg(long, value_name = "FILE.wasm")]
    out: PathBuf,
    /// Most bytes of the module.
    #[arg(long, value_name = "SIZE", default_value = "64Mi", value_parser = units::bytes)]
    module_bytes_max: u64,
    #[command(flatten)]
    registry: registry::Args,
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let place = registry::Place::open(&args.image, &args.registry)?;
    let (module, digest) = registry::wait(place.repository(false).pull(args.module_bytes_max))?;
    std::fs::write(&args.out, &module).map_err(|error| Mistake::unwritable(&args.out, error))?;
    print::line(format!("{}@{digest}", place.image.name()));
    print::progress(format!("pulled {} into {}", place.image, args.out.display()));
    print::progress(format!("  module        {}", cardea_policy::digest(&module)));
    Ok(Verdict::Good)
}
