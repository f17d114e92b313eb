//! The world of a language whose sources tell what it is: its SDK's tool finds out, before there is anything to look into.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use super::world;
use crate::author::mistake::Mistake;

/// What a policy takes from the host and gives it, by the names of interfaces: `surface.json`.
#[derive(Debug, Deserialize)]
struct Surface {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
}

/// Writes `world.wit` beside the folder's `surface.json`.
pub fn write_world(folder: &Path) -> Result<(), Mistake> {
    let path = folder.join("surface.json");
    let bytes = std::fs::read(&path).map_err(|error| Mistake::unreadable(&path, &error))?;
    let surface: Surface = serde_json::from_slice(&bytes).map_err(|error| {
        let what = format!("{} is not as the SDK of this cardea writes it: {error}", path.display());
        Mistake::usage(what, "remove the project's .cardea folder, and build again")
    })?;
    let (imports, exports) = (borrowed(&surface.imports), borrowed(&surface.exports));
    let path = folder.join("world.wit");
    std::fs::write(&path, world::source(&imports, &exports)).map_err(|error| Mistake::unwritable(&path, error))
}

fn borrowed(names: &BTreeSet<String>) -> BTreeSet<&str> {
    names.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_has_what_the_surface_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let surface = r#"{"imports": ["log", "exchange"], "exports": ["lifecycle", "on-request"]}"#;
        std::fs::write(folder.path().join("surface.json"), surface).expect("written");
        assert_eq!(write_world(folder.path()), Ok(()));
        let world = std::fs::read_to_string(folder.path().join("world.wit")).expect("a world");
        let built = world.split_once("world built {").map(|(_, built)| built.split_whitespace().collect::<Vec<_>>());
        let expected = "import exchange; import log; export lifecycle; export on-request; }";
        assert_eq!(built, Some(expected.split(' ').collect()));
    }

    #[test]
    fn a_surface_of_another_version_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("surface.json"), "{}").expect("written");
        let mistake = write_world(folder.path()).expect_err("a mistake");
        assert!(mistake.what.contains("surface.json"), "{mistake}");
    }
}
