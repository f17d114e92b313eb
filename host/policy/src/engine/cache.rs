//! Compiled components and core modules by digest: in memory while some policy uses them, and on disk for the next start.
//!
//! Native code read from disk runs with all rights of this process, so a directory or file that somebody else could
//! have written is not used: the directory is ours with mode 0700, a file ours with mode 0400, written under another
//! name, synced and renamed.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use crate::engine::EngineError;

#[derive(Debug)]
pub(crate) struct Cache {
    directory: Option<PathBuf>,
    /// Of the engine's version and settings: another engine's files have other names.
    compatibility: String,
    components: Shelf<Component>,
    modules: Shelf<Module>,
}

/// By digest. Few, and each shares its code with the policies that run it.
type Shelf<C> = Mutex<HashMap<String, C>>;

/// Of each kind, kept in memory beyond those in use.
const COMPILED_MAX: usize = 64;

/// What is compiled as a whole.
trait Code: Clone {
    fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self>;
    fn serialize(&self) -> wasmtime::Result<Vec<u8>>;
    /// Of what [`Cache::read`] found to be ours.
    fn deserialize(engine: &Engine, code: &[u8]) -> Option<Self>;
}

impl Cache {
    /// Makes the directory, or refuses one that others may write.
    pub fn open(directory: Option<&Path>, engine: &Engine) -> Result<Self, EngineError> {
        if let Some(path) = directory {
            prepare(path).map_err(|message| EngineError::Cache { path: path.to_owned(), message })?;
        }
        let compatibility = compatibility(engine);
        let directory = directory.map(Path::to_owned);
        Ok(Self { directory, compatibility, components: Mutex::default(), modules: Mutex::default() })
    }

    /// The component of these bytes, compiled now if nobody did before.
    pub fn component(&self, engine: &Engine, bytes: &[u8], digest: &str) -> wasmtime::Result<Component> {
        self.find(&self.components, engine, bytes, digest)
    }

    /// The same of a core module.
    pub fn module(&self, engine: &Engine, bytes: &[u8], digest: &str) -> wasmtime::Result<Module> {
        self.find(&self.modules, engine, bytes, digest)
    }

    fn find<C: Code>(&self, shelf: &Shelf<C>, engine: &Engine, bytes: &[u8], digest: &str) -> wasmtime::Result<C> {
        if let Some(code) = shelf.lock().unwrap_or_else(PoisonError::into_inner).get(digest) {
            return Ok(code.clone());
        }
        let code = match self.read(engine, digest) {
            Some(code) => code,
            None => {
                let code = C::compile(engine, bytes)?;
                self.write(&code, digest);
                code
            }
        };
        remember(shelf, digest, &code);
        Ok(code)
    }

    fn path(&self, digest: &str) -> Option<PathBuf> {
        let digest = digest.strip_prefix("sha256:")?;
        Some(self.directory.as_ref()?.join(format!("{digest}-{}.cwasm", self.compatibility)))
    }

    /// `None` if there is no such file, or none to be trusted: then the bytes are compiled.
    fn read<C: Code>(&self, engine: &Engine, digest: &str) -> Option<C> {
        let path = self.path(digest)?;
        prepare(self.directory.as_ref()?).ok()?;
        let mut file = File::open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || !is_ours(&metadata) || metadata.mode() & 0o777 != 0o400 {
            return None;
        }
        let mut code = Vec::new();
        file.read_to_end(&mut code).ok()?;
        C::deserialize(engine, &code)
    }

    /// Best effort: a full disk costs a compilation at the next start, and nothing else.
    fn write(&self, code: &impl Code, digest: &str) {
        let (Some(directory), Some(path)) = (&self.directory, self.path(digest)) else { return };
        if let Ok(code) = code.serialize() {
            let _ = store(directory, &path, &code);
        }
    }
}

fn store(directory: &Path, path: &Path, code: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(code)?;
    file.as_file().set_permissions(Permissions::from_mode(0o400))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn remember<C: Code>(shelf: &Shelf<C>, digest: &str, code: &C) {
    let mut compiled = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    if compiled.len() >= COMPILED_MAX {
        compiled.clear();
    }
    compiled.insert(digest.to_owned(), code.clone());
}

impl Code for Component {
    fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self> {
        Self::from_binary(engine, bytes)
    }

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        Self::serialize(self)
    }

    #[expect(unsafe_code, reason = "compiled code has to be trusted: see the proof inside")]
    fn deserialize(engine: &Engine, code: &[u8]) -> Option<Self> {
        // SAFETY: the bytes must come from `serialize`. `read` took them from a file that it had open when it
        // looked: it belongs to our user and nobody may write it (0400), in a directory that belongs to our user and that
        // nobody else may enter (0700), so no other user can have put it there. The only code that makes files of this name
        // writes what `serialize` returned, whole, before it renames. Whoever can act as our user can replace this program
        // too. The bytes are in our memory, so they do not change. Version, target, settings, and whether it is a component
        // or a core module are checked by wasmtime itself, which refuses another engine's code.
        unsafe { Self::deserialize(engine, code) }.ok()
    }
}

impl Code for Module {
    fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self> {
        Self::from_binary(engine, bytes)
    }

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        Self::serialize(self)
    }

    #[expect(unsafe_code, reason = "compiled code has to be trusted: see the proof of components")]
    fn deserialize(engine: &Engine, code: &[u8]) -> Option<Self> {
        // SAFETY: as for components: the bytes are what `read` found to be ours, and they come from `serialize`.
        unsafe { Self::deserialize(engine, code) }.ok()
    }
}

/// Makes the directory if there is none; an error if somebody else could write there.
fn prepare(directory: &Path) -> Result<(), String> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| error.to_string())?;
    let metadata = fs::symlink_metadata(directory).map_err(|error| error.to_string())?;
    if !metadata.is_dir() {
        return Err(String::from("it is not a directory"));
    }
    if !is_ours(&metadata) {
        return Err(format!("it belongs to user {}, not to the user of this process", metadata.uid()));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(format!("its mode is {:04o}, and others may have no access: chmod 0700", metadata.mode() & 0o7777));
    }
    Ok(())
}

fn is_ours(metadata: &Metadata) -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == metadata.uid())
}

fn compatibility(engine: &Engine) -> String {
    let mut hasher = Collect(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes with SHA-256, because the standard hasher may change between builds.
struct Collect(Sha256);

impl Hasher for Collect {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests;
