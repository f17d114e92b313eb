//! `cardea policy pack`: puts a policy's scenarios into its module, for every ingress to play before it takes it live.

use std::path::{Path, PathBuf};

use super::mistake::Mistake;
use super::module::Module;
use super::test::hold;
use super::{Verdict, print};
use crate::scenario::vectors;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A module.
    #[arg(value_name = "FILE.wasm")]
    path: PathBuf,
    /// The scenarios; scenarios.yaml beside the module if absent.
    #[arg(long, value_name = "FILE")]
    scenarios: Option<PathBuf>,
    /// Take scenarios out instead.
    #[arg(long, conflicts_with = "scenarios")]
    strip: bool,
    /// Where the module goes; in place of the one that was read if absent.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let module = Module::read(&args.path)?;
    let packed = if args.strip { vectors::without(&module.bytes) } else { packed(args, &module)? };
    let out = args.out.as_deref().unwrap_or(&module.path);
    write(out, &packed)?;
    let what = if args.strip { "without scenarios" } else { "with its scenarios" };
    print::line(format!("wrote {}: {} bytes, {what}", out.display(), print::number(packed.len() as u64)));
    Ok(Verdict::Good)
}

/// Only what holds here is worth sending to others.
fn packed(args: &Args, module: &Module) -> Result<Vec<u8>, Mistake> {
    let beside = module.path.with_file_name("scenarios.yaml");
    let path = args.scenarios.as_deref().unwrap_or(&beside);
    let text = std::fs::read_to_string(path).map_err(|error| Mistake::unreadable(path, &error))?;
    let cannot =
        |what: String| Mistake::usage(format!("{}: {what}", path.display()), "docs/policy-testing.md has every key");
    let bytes = vectors::embed(&module.bytes, &text).map_err(cannot)?;
    if hold(path, module)? == Verdict::Bad {
        let what = format!("{} breaks {}: see above", module.path.display(), path.display());
        return Err(Mistake::policy(what, "correct the policy or the scenarios; nothing was written"));
    }
    Ok(bytes)
}

/// In one step, so that a running ingress reads the old module or the new one.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Mistake> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let store = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".cardea-").suffix(".tmp").tempfile_in(folder)?;
        std::io::Write::write_all(&mut file, bytes)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(mode)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    store().map_err(|error| Mistake::unwritable(path, error))
}
