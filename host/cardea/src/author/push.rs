//! `cardea policy push`: a module into a registry, with what it imports said beside it.

use std::path::PathBuf;

use cardea_control::fetch::{Artifact, Interfaces};

use super::mistake::Mistake;
use super::module::{Module, Shape};
use super::{Verdict, print, registry};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A module, or the folder with the one that is meant.
    #[arg(value_name = "FILE.wasm|DIR")]
    path: PathBuf,
    /// Where to: registry/repository:tag.
    #[arg(value_name = "IMAGE")]
    image: String,
    #[command(flatten)]
    registry: registry::Args,
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let module = Module::read(&args.path)?;
    let Some(shape) = Shape::of_any(&module.bytes).filter(|shape| shape.is_component || shape.abi().is_some()) else {
        let what = format!("{} is neither a component nor a module of an ABI that is known", module.path.display());
        return Err(Mistake::policy(what, "name the .wasm file that `cardea policy build` made; `check` says more"));
    };
    let place = registry::Place::open(&args.image, &args.registry)?;
    if place.image.digest.is_some() {
        return Err(Mistake::usage("a push chooses no digest", "name a tag; the digest is printed"));
    }
    let grants: Vec<String> = shape.capabilities().into_iter().map(str::to_owned).collect();
    let created = Some(created()?);
    let component = shape.is_component.then_some(Interfaces { imports: shape.imports, exports: shape.exports });
    let artifact = Artifact { module: module.bytes, component, created };
    let digest = registry::wait(place.repository(true).push(&artifact))?;
    print::line(format!("{}@{digest}", place.image.name()));
    print::progress(format!("pushed {} as {}", module.path.display(), place.image));
    print::progress(format!("  module        {}", cardea_policy::digest(&artifact.module)));
    print::progress(format!("  needs grants  {}", if grants.is_empty() { "none".into() } else { grants.join(", ") }));
    Ok(Verdict::Good)
}

/// Now, or the time that a reproducible build says.
fn created() -> Result<String, Mistake> {
    let Some(epoch) = std::env::var_os("SOURCE_DATE_EPOCH") else {
        return Ok(jiff::Timestamp::now().to_string());
    };
    let seconds = epoch.to_str().and_then(|text| text.parse().ok());
    let time = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map(|time| time.to_string())
        .ok_or_else(|| Mistake::usage("SOURCE_DATE_EPOCH is not a number of seconds since 1970", "correct or unset it"))
}
