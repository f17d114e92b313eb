//! The bytes that a Policy's module has: read once, and again only when the file changed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardea_model::config::ModuleSource;

use super::read;
use super::tree::Stamp;

/// The modules that the policies of the last round named.
#[derive(Debug, Default)]
pub(super) struct Modules {
    files: HashMap<PathBuf, Module>,
}

#[derive(Debug)]
struct Module {
    stamp: Option<Stamp>,
    /// Must be read again, whatever the stamp says.
    racy: bool,
    bytes: Result<Arc<[u8]>, String>,
    named: bool,
}

impl Modules {
    /// The module at `path`, called `name` to people.
    pub(super) fn find(&mut self, path: PathBuf, name: &str) -> ModuleSource {
        let module = match self.files.entry(path) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let module = Module::load(new.key());
                new.insert(module)
            }
        };
        module.named = true;
        match &module.bytes {
            Ok(bytes) => ModuleSource::Bytes { path: name.into(), bytes: Arc::clone(bytes) },
            Err(message) => ModuleSource::Missing { path: name.into(), message: message.clone() },
        }
    }

    /// Reads again what changed on disk, except what `is_writing` says is being written. True if bytes changed.
    pub(super) fn refresh(&mut self, is_writing: &dyn Fn(&Path) -> bool) -> bool {
        let mut changed = false;
        for (path, module) in &mut self.files {
            let stamp = fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata));
            if (stamp == module.stamp && !module.racy) || is_writing(path) {
                continue;
            }
            let mut fresh = Module::load(path);
            if fresh.bytes == module.bytes {
                fresh.bytes = module.bytes.clone();
            } else {
                changed = true;
            }
            *module = fresh;
        }
        changed
    }

    /// Starts a round of naming, which [`Modules::forget_unnamed`] ends.
    pub(super) fn start_naming(&mut self) {
        self.files.values_mut().for_each(|module| module.named = false);
    }

    pub(super) fn forget_unnamed(&mut self) {
        self.files.retain(|_, module| module.named);
    }

    /// Where a module may change or appear.
    pub(super) fn directories(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().filter_map(|path| path.parent())
    }
}

impl Module {
    fn load(path: &Path) -> Self {
        match read::whole(path) {
            Ok(read::Whole { stamp, racy, bytes }) => {
                Self { racy, stamp: Some(stamp), bytes: Ok(bytes.into()), named: true }
            }
            Err(error) => {
                let stamp = fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata));
                Self { racy: false, stamp, bytes: Err(error.to_string()), named: true }
            }
        }
    }
}
