//! What may change between a released interface and a later one of the same 0.1: docs/evolution.md, as a check.

use std::collections::BTreeSet;

use wit_component::semver_check;
use wit_parser::{InterfaceId, PackageId, Resolve, WorldId, WorldItem, WorldKey};

/// Both in one `Resolve`, as `semver_check` wants them.
pub struct Versions {
    resolve: Resolve,
    released: PackageId,
    current: PackageId,
}

/// The package's version: `0.1.0`.
pub fn version(wit: &str) -> &str {
    let line = wit.lines().find_map(|line| line.strip_prefix("package cardea:policy@"));
    line.and_then(|line| line.strip_suffix(';')).expect("a package line")
}

/// # Errors
/// What a policy built against `released` would miss in `current`, or what may not have been added.
pub fn check(released: &str, current: &str) -> Result<(), String> {
    let versions = Versions::read(released, current);
    versions.interfaces()?;
    versions.worlds()
}

impl Versions {
    /// Under a version of its own each: two packages of one name and version cannot be told apart.
    fn read(released: &str, current: &str) -> Self {
        let named = |wit: &str, as_version: &str| wit.replacen(&format!("@{}", version(wit)), as_version, 1);
        let mut resolve = Resolve::default();
        let released = resolve.push_str("released.wit", &named(released, "@0.0.1")).expect("released WIT parses");
        let current = resolve.push_str("current.wit", &named(current, "@0.0.2")).expect("current WIT parses");
        Self { resolve, released, current }
    }

    /// Nothing is missing by its name. Exported interfaces have exactly the functions that they had: a host calls what is
    /// there, and a policy must have what a host calls.
    fn interfaces(&self) -> Result<(), String> {
        let [released, current] = [self.released, self.current].map(|package| &self.resolve.packages[package]);
        let exported = self.exported();
        for (name, old) in &released.interfaces {
            let new = current.interfaces.get(name).ok_or_else(|| format!("the interface `{name}` is gone"))?;
            let [old, new] = [*old, *new].map(|id| &self.resolve.interfaces[id]);
            if let Some(gone) = old.types.keys().find(|kind| !new.types.contains_key(*kind)) {
                return Err(format!("the type `{name}.{gone}` is gone"));
            }
            if let Some(gone) = old.functions.keys().find(|function| !new.functions.contains_key(*function)) {
                return Err(format!("the function `{name}.{gone}` is gone"));
            }
            let added = new.functions.keys().find(|function| !old.functions.contains_key(*function));
            if let Some(added) = added.filter(|_| exported.contains(name)) {
                return Err(format!("the function `{name}.{added}` is new, in an interface that policies export"));
            }
        }
        Ok(())
    }

    /// The names of interfaces that a released world exports.
    fn exported(&self) -> BTreeSet<String> {
        let worlds = self.resolve.packages[self.released].worlds.values();
        worlds.flat_map(|world| self.exports(*world)).collect()
    }

    fn exports(&self, world: WorldId) -> BTreeSet<String> {
        let interface = |id: InterfaceId| self.resolve.interfaces[id].name.clone();
        let exports = self.resolve.worlds[world].exports.iter();
        let names = exports.filter_map(|(key, item)| match (key, item) {
            (WorldKey::Interface(id), WorldItem::Interface { .. }) => interface(*id),
            (key, _) => Some(self.resolve.name_world_key(key)),
        });
        names.collect()
    }

    /// A component of each released world fits the world of that name as it is now, and has to export no more.
    fn worlds(&self) -> Result<(), String> {
        let [released, current] = [self.released, self.current].map(|package| &self.resolve.packages[package]);
        for (name, old) in &released.worlds {
            let new = current.worlds.get(name).ok_or_else(|| format!("the world `{name}` is gone"))?;
            let (before, after) = (self.exports(*old), self.exports(*new));
            if before != after {
                let differs: Vec<&String> = before.symmetric_difference(&after).collect();
                return Err(format!("the world `{name}` exports others than before: {differs:?}"));
            }
            semver_check(self.resolve.clone(), *old, *new).map_err(|error| format!("world `{name}`: {error:#}"))?;
        }
        Ok(())
    }
}
