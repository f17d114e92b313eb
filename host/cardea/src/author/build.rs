//! `cardea policy build`: source to component, once or at each change.
//!
//! A language is a file `build/<language>.rs` with `pub static LANGUAGE: Language`, named here as a module and in the table
//! of `language.rs`; its templates lie in `new/<language>/`, its SDK in `guest-sdk/<language>/`. The contract:
//!
//! - `build` gets a [`Project`] whose `.cardea/guest-sdk/<language>/` and `.cardea/wit/` are up to date (`sdk.rs`). Sources
//!   refer to the SDK there, never to a checkout. It returns components in memory: [`run`] writes them.
//! - What it makes on its way goes to [`Project::build_folder`] (`.cardea/build`), which nobody watches or commits.
//! - A component is called by [`Project::policy_name`]; [`Component::of`] says so and where it goes.
//! - A toolchain that makes core modules hands them to [`world::component`], which finds the world; one that makes
//!   components by itself gets its world's text of [`world::source`], and ends in [`checked`].
//! - Programs come of [`tools::find`] (a variable `CARDEA_<TOOL>`, then PATH), else of [`tools::pip`] or [`tools::npm`],
//!   pinned; they run by [`tools::run`]. A build without a change of the source should cost little.
//! - Every failure is a [`Mistake`]: what names the object and what was found, remedy says what to do. The compiler's own
//!   words go to standard error before it, unchanged. `Mistake::policy` where the source is at fault, `Mistake::usage`
//!   where the machine or the command is: a program that is missing is named with the exact command that installs it.

pub mod assemblyscript;
pub mod c;
mod cargo;
mod clang;
mod core;
pub mod cpp;
pub mod go;
pub mod javascript;
pub mod python;
mod remap;
pub mod rust;
mod stamp;
mod surface;
mod toolchain;
pub mod zig;

mod tools;
mod world;

mod component;
mod watch;
pub use watch::Watch;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::mistake::Mistake;
use super::module::Shape;
use super::project::{BUILD_FOLDER, Project};
use super::{Verdict, print, sdk};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folders of policies, or of a workspace of them.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Where the components go: a folder, or a file where there is one policy. Without it, in each policy's folder.
    #[arg(long, short, value_name = "FILE|DIR")]
    out: Option<PathBuf>,
    /// Build again at each change of the source, until interrupted.
    #[arg(long)]
    watch: bool,
}

/// Set by `dev` before anything is built: what is built tells its functions and lines, for a trap to name. A language does what its
/// toolchain can.
pub static KEEP_LINES: AtomicBool = AtomicBool::new(false);

/// A policy's component, not written yet.
#[derive(Debug)]
pub struct Component {
    pub package: String,
    /// The folder of its source.
    pub folder: PathBuf,
    pub bytes: Vec<u8>,
}

impl Component {
    /// The one component of a project.
    pub fn of(project: &Project, bytes: Vec<u8>) -> Self {
        Self { package: project.policy_name(), folder: project.folder.clone(), bytes }
    }
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let projects = args.paths.iter().map(|path| Project::at(path)).collect::<Result<Vec<_>, _>>()?;
    // Before the first build, so that an edit during it is not missed.
    let watch = if args.watch { Some(watch::Watch::start(&projects)?) } else { None };
    let verdict = build_all(&projects, args);
    let Some(mut watch) = watch else { return verdict };
    report_and_go_on(verdict);
    print::progress("watching the source; Ctrl-C ends it");
    while watch.wait() {
        report_and_go_on(build_all(&projects, args));
    }
    Ok(Verdict::Good)
}

/// Under --watch a mistake is the next edit's to correct.
fn report_and_go_on(verdict: Result<Verdict, Mistake>) {
    if let Err(mistake) = verdict {
        print::mistake(&mistake);
    }
}

fn build_all(projects: &[Project], args: &Args) -> Result<Verdict, Mistake> {
    let start = Instant::now();
    let mut built = Vec::new();
    for project in projects {
        built.extend(components(project)?);
    }
    for component in &built {
        let path = destination(component, args.out.as_deref(), built.len())?;
        let state = if component::write(&path, &component.bytes)? { "wrote" } else { "unchanged" };
        print::line(format!("{state} {}: {}", path.display(), summary(&component.bytes)));
    }
    let count = if built.len() == 1 { String::from("1 policy") } else { format!("{} policies", built.len()) };
    print::line(format!("built {count} in {}", print::duration(start.elapsed())));
    Ok(Verdict::Good)
}

/// Size, what must be granted, and the phases.
fn summary(bytes: &[u8]) -> String {
    let shape = Shape::read(bytes).unwrap_or_default();
    let grants = match shape.capabilities().as_slice() {
        [] => String::from("no grants"),
        some => format!("grants {}", some.join(", ")),
    };
    format!("{} bytes; needs {grants}; {}", print::number(bytes.len() as u64), shape.phases().join(", "))
}

/// Builds a project: one component, or one for each policy of a workspace.
pub fn components(project: &Project) -> Result<Vec<Component>, Mistake> {
    if sdk::is_wanted(project) && sdk::provide(project)? {
        // What was built of another SDK, and is not told from this one's.
        let _ = std::fs::remove_dir_all(project.folder.join(BUILD_FOLDER));
    }
    (project.language.build)(project)
}

/// The component, if it is a policy; else the remedy says how its language makes one.
fn checked(component: Component, remedy: &str) -> Result<Component, Mistake> {
    let is_policy = |shape: Shape| shape.phases().contains(&"on-request") || shape.abi() == Some("wasi:http");
    if Shape::read(&component.bytes).is_some_and(is_policy) {
        return Ok(component);
    }
    Err(Mistake::policy(format!("{}: the built module exports no policy", component.package), remedy))
}

/// `out` names a file if it ends in `.wasm`, else a folder.
fn destination(component: &Component, out: Option<&Path>, count: usize) -> Result<PathBuf, Mistake> {
    let name = format!("{}.wasm", component.package);
    match out {
        None => Ok(component.folder.join(name)),
        Some(out) if out.is_dir() || out.extension().is_none_or(|extension| extension != "wasm") => Ok(out.join(name)),
        Some(out) if count == 1 => Ok(out.to_owned()),
        Some(out) => Err(Mistake::usage(
            format!("--out {} is one file, and {count} policies were built", out.display()),
            "name a folder",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component() -> Component {
        Component { package: String::from("canary"), folder: PathBuf::from("/p/canary"), bytes: Vec::new() }
    }

    #[test]
    fn a_component_goes_beside_its_manifest_or_where_out_says() {
        let to = |out: Option<&str>, count| destination(&component(), out.map(Path::new), count);
        assert_eq!(to(None, 1), Ok(PathBuf::from("/p/canary/canary.wasm")));
        assert_eq!(to(Some("/no/such/dir"), 2), Ok(PathBuf::from("/no/such/dir/canary.wasm")));
        assert_eq!(to(Some("/no/such/x.wasm"), 1), Ok(PathBuf::from("/no/such/x.wasm")));
        assert_eq!(to(Some("/no/such/x.wasm"), 2).map_err(|mistake| mistake.exit_code), Err(2));
    }
}
