//! Where the programs of a toolchain are: named by a variable, on PATH, or installed once by pip or npm.
//!
//! What is installed goes to `${XDG_CACHE_HOME:-~/.cache}/cardea/<name>-<version>`, a folder that is there only when it is
//! complete; two builds at once wait for one another. Versions are pinned, and each installation is told before it begins.

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::author::mistake::Mistake;
use crate::author::print;

/// A package of PyPI or npm, pinned.
#[derive(Debug)]
pub struct Package {
    pub name: &'static str,
    pub version: &'static str,
    /// To fetch, about.
    pub megabytes: u32,
    /// What it is for, after "to": `build C policies`.
    pub purpose: &'static str,
    /// A file of it, from its folder: where that is not there, somebody has cleared the folder.
    pub file: &'static str,
}

/// A program: the one that the variable names, else the first of these names on PATH.
pub fn find(variable: &str, names: &[&str]) -> Option<PathBuf> {
    if let Some(named) = env::var_os(variable).filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let path = env::var_os("PATH")?;
    let within = |name: &&str| env::split_paths(&path).map(|folder| folder.join(name)).find(|path| is_program(path));
    names.iter().find_map(within)
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// The folder into which pip installed the package: its modules, and programs in `bin/`.
pub fn pip(package: &Package) -> Result<PathBuf, Mistake> {
    let python = Installer {
        name: "pip",
        program: find("CARDEA_PYTHON", &["python3", "python"]),
        missing: "install Python 3 with pip (Debian: apt-get install python3-pip)",
    };
    installed(package, &python, |python, folder| {
        let mut command = Command::new(python);
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--target"]);
        command.arg(folder).arg(format!("{}=={}", package.name, package.version));
        let remedy = "see pip's output above: it needs PyPI, this once, or the index that PIP_INDEX_URL names; if there is no \
                      pip: apt-get install python3-pip";
        run(&mut command, &format!("pip could not install {}", title(package)), remedy)
    })
}

/// The folder in which `node_modules` has the package and what its lock file names; no package's scripts run.
pub fn npm(package: &Package, manifest: &str, lock: &str) -> Result<PathBuf, Mistake> {
    let npm = Installer {
        name: "npm",
        program: find("CARDEA_NPM", &["npm"]),
        missing: "install Node.js 20 or later with npm (Debian: apt-get install nodejs npm)",
    };
    installed(package, &npm, |npm, folder| {
        for (name, text) in [("package.json", manifest), ("package-lock.json", lock)] {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(|error| Mistake::unwritable(&path, error))?;
        }
        let mut command = Command::new(npm);
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder);
        // The lock file names each by its digest, so what npm has kept needs no question; and nobody waits for minutes.
        command.args(["--prefer-offline", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]);
        let remedy = "see npm's output above: it needs the registry of npm, this once, or the one that npm_config_registry names";
        run(&mut command, &format!("npm could not install {}", title(package)), remedy)
    })
}

struct Installer {
    name: &'static str,
    program: Option<PathBuf>,
    /// What to do where there is no such program.
    missing: &'static str,
}

/// The package's folder, after `install` filled one beside it if it was not there.
fn installed(
    package: &Package,
    with: &Installer,
    install: impl FnOnce(&Path, &Path) -> Result<(), Mistake>,
) -> Result<PathBuf, Mistake> {
    installed_in(&cache()?, package, with, install)
}

fn installed_in(
    cache: &Path,
    package: &Package,
    with: &Installer,
    install: impl FnOnce(&Path, &Path) -> Result<(), Mistake>,
) -> Result<PathBuf, Mistake> {
    // Names of npm have a scope: `@bytecodealliance/componentize-js`.
    let name = format!("{}-{}", package.name.trim_start_matches('@').replace('/', "-"), package.version);
    let done = cache.join(&name);
    let is_whole = || done.join(package.file).is_file();
    if is_whole() {
        return Ok(done);
    }
    let program = with.program.as_deref().ok_or_else(|| {
        let what =
            format!("{} is not here, and is needed to install {} to {}", with.name, title(package), package.purpose);
        Mistake::usage(what, with.missing)
    })?;
    let unwritable = |error| Mistake::unwritable(cache, error);
    std::fs::create_dir_all(cache).map_err(unwritable)?;
    let lock = File::create(cache.join(format!("{name}.lock"))).map_err(unwritable)?;
    lock.lock().map_err(unwritable)?;
    if !is_whole() {
        let (title, purpose, place) = (title(package), package.purpose, done.display());
        let (with, size) = (with.name, package.megabytes);
        print::progress(format!("installs {title} with {with} to {purpose}: {size} MB to fetch, once, into {place}"));
        let work = tempfile::Builder::new().prefix(".installing-").tempdir_in(cache).map_err(unwritable)?;
        install(program, work.path())?;
        // What is left of one that is not whole; most often nothing is.
        let _ = std::fs::remove_dir_all(&done);
        std::fs::rename(work.keep(), &done).map_err(unwritable)?;
    }
    Ok(done)
}

fn cache() -> Result<PathBuf, Mistake> {
    let of = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")));
    let none = || Mistake::usage("neither XDG_CACHE_HOME nor HOME is set, so tools have no place", "set one of them");
    base.map(|base| base.join("cardea")).ok_or_else(none)
}

fn title(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

/// Runs a program to its end; its words go to standard error as they come, since standard output is for answers.
///
/// # Errors
/// It does not run, or it fails: then `what` is said, and `remedy`.
pub fn run(command: &mut Command, what: &str, remedy: &str) -> Result<(), Mistake> {
    let program = command.get_program().display().to_string();
    let status = command.stdin(Stdio::null()).stdout(std::io::stderr()).stderr(Stdio::inherit()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Mistake::policy(what, remedy)),
        Err(error) => {
            Err(Mistake::usage(format!("{program} does not run: {error}"), "name another, or install it anew"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_told_with_the_remedy() {
        let ran = run(Command::new("sh").args(["-c", "exit 3"]), "policy.c does not compile", "correct it");
        assert_eq!(ran, Err(Mistake::policy("policy.c does not compile", "correct it")));
        let absent = run(&mut Command::new("/no/such/program"), "x", "y").expect_err("a mistake");
        assert!(absent.what.contains("/no/such/program does not run"), "{absent}");
        assert_eq!(run(&mut Command::new("true"), "x", "y"), Ok(()));
    }

    #[test]
    fn a_folder_of_which_files_were_cleared_is_installed_anew() {
        let cache = tempfile::tempdir().expect("a folder");
        let package = Package { name: "tool", version: "1.0", megabytes: 1, purpose: "test", file: "bin/tool" };
        let with = Installer { name: "sh", program: Some(PathBuf::from("sh")), missing: "install it" };
        let place = |_: &Path, folder: &Path| {
            std::fs::create_dir(folder.join("bin")).expect("a folder");
            std::fs::write(folder.join("bin/tool"), "").expect("written");
            Ok(())
        };
        let done = installed_in(cache.path(), &package, &with, place).expect("installed");
        let never = |_: &Path, _: &Path| Err(Mistake::usage("installs again", ""));
        assert_eq!(installed_in(cache.path(), &package, &with, never), Ok(done.clone()));
        std::fs::remove_file(done.join("bin/tool")).expect("removed");
        assert_eq!(installed_in(cache.path(), &package, &with, place), Ok(done.clone()));
        assert!(done.join("bin/tool").is_file());
    }

    #[test]
    fn a_program_is_found_by_the_first_name_that_is_there() {
        let found = find("CARDEA_NO_SUCH_VARIABLE", &["no-such-program-1", "sh", "true"]).expect("a shell");
        assert!(found.ends_with("sh"), "{found:?}");
        assert_eq!(find("CARDEA_NO_SUCH_VARIABLE", &["no-such-program-1"]), None);
    }
}
