//! By which names a Rust module calls the folders of the machine that builds it, in panic messages and debug information.
//!
//! The names are the same for everybody, so that a module tells nobody's home and is the same bytes whoever builds it. Cargo names
//! what is within a workspace from its root, so most modules do not name the project's folder in the first place.

use std::env;
use std::path::{Path, PathBuf, absolute};
use std::sync::atomic::Ordering;

use super::KEEP_LINES;
use super::toolchain::{TARGET, Toolchain};
use crate::author::project::Project;
use crate::author::sdk;

/// A folder, and its name in modules.
type Place = (PathBuf, &'static str);

/// The value of a `--config` of cargo that adds to the flags of the target, whatever else they are. As a list, since variables of
/// the environment cannot hold a path with a space.
pub fn config(project: &Project, toolchain: &Toolchain) -> Option<String> {
    if KEEP_LINES.load(Ordering::Relaxed) {
        return None;
    }
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The compiler takes the last that fits, so what may lie within another comes after it.
    let mut places: Vec<Place> = variable("HOME").map(|home| (home, "/home")).into_iter().collect();
    places.extend(sdk::checkout(&project.folder).map(|root| (root, "/cardea")));
    places.extend(of_project(project, toolchain));
    places.extend(tools(variable));
    let flags: Vec<String> = places.into_iter().flat_map(spellings).filter_map(|place| flag(&place)).collect();
    Some(format!("target.{TARGET}.rustflags=[{}]", flags.join(",")))
}

/// Where the compiler, dependencies, and what cargo makes are.
fn tools(variable: impl Fn(&str) -> Option<PathBuf>) -> Vec<Place> {
    let at_home = |name: &str| variable("HOME").map(|home| home.join(name));
    let found = [
        (variable("RUSTUP_HOME").or_else(|| at_home(".rustup")), "/rustup"),
        (variable("CARGO_HOME").or_else(|| at_home(".cargo")), "/cargo"),
        (variable("CARGO_TARGET_DIR"), "/target"),
    ];
    found.into_iter().filter_map(|(folder, name)| Some((absolute(folder?).ok()?, name))).collect()
}

/// The project's own folder, or its workspace's. Not where several projects share a folder of what cargo made: other flags would
/// have it compile each dependency again for each.
fn of_project(project: &Project, toolchain: &Toolchain) -> Option<Place> {
    if env::var_os("CARGO_TARGET_DIR").is_some() {
        return None;
    }
    let mut command = toolchain.cargo();
    command.args(["locate-project", "--workspace", "--message-format", "plain", "--manifest-path"]).arg(project.mark());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let manifest = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    Some((manifest.parent()?.to_owned(), "/policy"))
}

/// As it was named, and as it is without symbolic links.
fn spellings((folder, name): Place) -> Vec<Place> {
    let real = folder.canonicalize().ok().filter(|real| *real != folder);
    [Some(folder), real]
        .into_iter()
        .flatten()
        .filter(|folder| folder.parent().is_some())
        .map(|folder| (folder, name))
        .collect()
}

/// A string of TOML, which takes JSON's escapes. Nothing for a path that is not text.
fn flag((folder, name): &Place) -> Option<String> {
    let folder: &Path = folder;
    serde_json::to_string(&format!("--remap-path-prefix={}={name}", folder.to_str()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_where_they_say_or_at_home() {
        let places = |set: &[(&str, &str)]| {
            let found = tools(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()));
            found.into_iter().map(|(folder, name)| format!("{}={name}", folder.display())).collect::<Vec<_>>()
        };
        assert_eq!(places(&[("HOME", "/home/ann")]), ["/home/ann/.rustup=/rustup", "/home/ann/.cargo=/cargo"]);
        assert_eq!(
            places(&[("CARGO_HOME", "/opt/cargo"), ("CARGO_TARGET_DIR", "/t")]),
            ["/opt/cargo=/cargo", "/t=/target"]
        );
        assert_eq!(places(&[]), [""; 0]);
    }

    #[test]
    fn a_flag_is_one_string_whatever_the_path() {
        let place = (PathBuf::from("/home/ann o'\"hara"), "/home");
        assert_eq!(flag(&place).as_deref(), Some(r#""--remap-path-prefix=/home/ann o'\"hara=/home""#));
        assert_eq!(spellings((PathBuf::from("/"), "/home")), [], "not each path there is");
    }
}
