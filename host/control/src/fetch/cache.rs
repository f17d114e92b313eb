//! Good modules on disk, by digest, and what each place was last found to hold: for a start without a registry.
//!
//! The directory is ours alone (0700, files 0600), since a record decides which module serves. A module is taken only
//! if its bytes have the digest that it is named by. Writing is best effort: a full disk costs a download.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, FileTimes, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::client::digest;
use super::pull::Resolved;
use super::signature::Signed;
use super::wanted::Good;

const RECORD_BYTES_MAX: u64 = 4 << 20;

/// A place, as one namespace names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub namespace: Arc<str>,
    pub path: Arc<str>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    namespace: String,
    path: String,
    manifest: Option<String>,
    module: String,
    #[serde(default)]
    imports: Vec<String>,
    #[serde(default)]
    signed: Vec<SignedRecord>,
}

/// Both in base64.
#[derive(Debug, Serialize, Deserialize)]
struct SignedRecord {
    payload: String,
    signature: String,
}

#[derive(Debug)]
pub(super) struct Cache {
    modules: PathBuf,
    places: PathBuf,
    bytes_max: u64,
}

impl Cache {
    /// Makes the directories, or says why they cannot be used.
    pub fn open(root: &Path, bytes_max: u64) -> Result<Self, String> {
        let cache = Self { modules: root.join("modules"), places: root.join("places"), bytes_max };
        for directory in [root, &cache.modules, &cache.places] {
            prepare(directory)?;
        }
        Ok(cache)
    }

    /// What the place was last found to hold, if the module is there too.
    pub fn find(&self, place: &Place) -> Option<Resolved> {
        let text = read(&self.place_path(place), RECORD_BYTES_MAX)?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        if record.namespace != *place.namespace || record.path != *place.path {
            return None;
        }
        let bytes = self.module(&record.module)?;
        let signed = record.signed.iter().filter_map(SignedRecord::decode).collect();
        let good = Good { bytes, digest: record.module.into() };
        Some(Resolved { manifest: record.manifest, imports: record.imports, signed, good })
    }

    /// The bytes that have this digest.
    pub fn module(&self, wanted: &str) -> Option<Arc<[u8]>> {
        let path = self.module_path(wanted)?;
        let bytes = read(&path, self.bytes_max)?;
        if digest(&bytes) != wanted {
            // It is of no use to anybody.
            let _ = fs::remove_file(&path);
            return None;
        }
        touch(&path);
        Some(bytes.into())
    }

    /// Keeps what a place holds; modules that nobody uses make room.
    pub fn keep(&self, place: &Place, resolved: &Resolved, in_use: &HashSet<Arc<str>>) {
        let Some(path) = self.module_path(&resolved.good.digest) else { return };
        let size = resolved.good.bytes.len() as u64;
        if size > self.bytes_max {
            return;
        }
        let is_there = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == size);
        if is_there {
            touch(&path);
        } else {
            self.make_room(size, in_use);
            if write(&path, &resolved.good.bytes).is_err() {
                return;
            }
        }
        let record = Record {
            namespace: place.namespace.to_string(),
            path: place.path.to_string(),
            manifest: resolved.manifest.clone(),
            module: resolved.good.digest.to_string(),
            imports: resolved.imports.clone(),
            signed: resolved.signed.iter().map(SignedRecord::encode).collect(),
        };
        if let Ok(text) = serde_json::to_vec(&record) {
            let _ = write(&self.place_path(place), &text);
        }
    }

    /// Removes the modules that were longest out of use, until `size` fits, and the records that are then void.
    fn make_room(&self, size: u64, in_use: &HashSet<Arc<str>>) {
        let Ok(entries) = fs::read_dir(&self.modules) else { return };
        let mut all: Vec<(SystemTime, u64, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        let mut total: u64 = all.iter().map(|(_, size, _)| size).sum();
        all.sort();
        let mut is_void = false;
        for (_, length, path) in all {
            if total + size <= self.bytes_max {
                break;
            }
            let name = path.file_stem().map(|stem| format!("sha256:{}", stem.to_string_lossy())).unwrap_or_default();
            if !in_use.contains(name.as_str()) && fs::remove_file(&path).is_ok() {
                total -= length;
                is_void = true;
            }
        }
        if is_void {
            self.remove_void();
        }
    }

    fn remove_void(&self) {
        for entry in fs::read_dir(&self.places).into_iter().flatten().flatten() {
            let record = read(&entry.path(), RECORD_BYTES_MAX);
            let record = record.and_then(|text| serde_json::from_slice::<Record>(&text).ok());
            let module = record.and_then(|record| self.module_path(&record.module));
            if !module.is_some_and(|path| path.exists()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn module_path(&self, digest: &str) -> Option<PathBuf> {
        super::is_digest(digest).then(|| self.modules.join(digest.replacen("sha256:", "", 1)).with_extension("wasm"))
    }

    fn place_path(&self, place: &Place) -> PathBuf {
        let name = digest(format!("{}\n{}", place.namespace, place.path).as_bytes());
        self.places.join(name.replacen("sha256:", "", 1)).with_extension("json")
    }
}

impl SignedRecord {
    fn encode(signed: &Signed) -> Self {
        Self { payload: STANDARD.encode(&signed.payload), signature: STANDARD.encode(&signed.signature) }
    }

    fn decode(&self) -> Option<Signed> {
        let payload = STANDARD.decode(&self.payload).ok()?;
        Some(Signed { payload, signature: STANDARD.decode(&self.signature).ok()? })
    }
}

/// Makes a directory that is ours alone, or says why it is not.
pub(crate) fn prepare(directory: &Path) -> Result<(), String> {
    let said = |error: io::Error| format!("{}: {error}", directory.display());
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(said)?;
    let metadata = fs::symlink_metadata(directory).map_err(said)?;
    let own = fs::metadata("/proc/self").map_err(said)?;
    match () {
        () if !metadata.is_dir() => Err(format!("{} is not a directory", directory.display())),
        () if metadata.uid() != own.uid() => Err(format!("{} belongs to another user", directory.display())),
        () if metadata.mode() & 0o077 != 0 => Err(format!("others have access to {}: chmod 0700", directory.display())),
        () => Ok(()),
    }
}

/// `None` if it is no file of at most so many bytes.
fn read(path: &Path, bytes_max: u64) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= bytes_max).then_some(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(0o600))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The time of last use, by which modules make room.
fn touch(path: &Path) {
    if let Ok(file) = File::options().write(true).open(path) {
        let _ = file.set_times(FileTimes::new().set_modified(SystemTime::now()));
    }
}
