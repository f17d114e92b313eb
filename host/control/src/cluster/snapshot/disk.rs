//! The directory of a snapshot: ours alone, each file whole or not there.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::{Restored, SnapshotError, State, read, write};
use crate::fetch::{digest, is_digest, prepare};

const FILE: &str = "cluster.jsonl";
const MODULES: &str = "modules";

#[derive(Debug, Clone)]
pub(in crate::cluster) struct Disk {
    root: PathBuf,
}

impl Disk {
    /// Makes the directory.
    ///
    /// # Errors
    /// It cannot be made, or others may look into it.
    pub(in crate::cluster) fn open(root: &Path) -> Result<Self, SnapshotError> {
        for directory in [root.to_owned(), root.join(MODULES)] {
            prepare(&directory).map_err(SnapshotError::Directory)?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// `None` where nothing was ever kept.
    pub(in crate::cluster) fn load(&self) -> Result<Option<Restored>, SnapshotError> {
        let text = match fs::read(self.root.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        read(&text, |wanted| self.module(wanted)).map(Some)
    }

    pub(in crate::cluster) fn save(&self, state: &State) -> Result<(), SnapshotError> {
        let mut modules = BTreeMap::new();
        let text = write(state, SystemTime::now(), &mut modules);
        for (digest, bytes) in &modules {
            let Some(path) = self.module_path(digest) else { continue };
            if !path.exists() {
                put(&path, bytes)?;
            }
        }
        put(&self.root.join(FILE), &text)?;
        self.forget_modules(&modules);
        Ok(())
    }

    fn module(&self, wanted: &str) -> Option<Arc<[u8]>> {
        let bytes = fs::read(self.module_path(wanted)?).ok()?;
        (digest(&bytes) == wanted).then(|| bytes.into())
    }

    fn module_path(&self, digest: &str) -> Option<PathBuf> {
        let hex = digest.strip_prefix("sha256:").filter(|_| is_digest(digest))?;
        Some(self.root.join(MODULES).join(format!("{hex}.wasm")))
    }

    fn forget_modules(&self, kept: &BTreeMap<String, Arc<[u8]>>) {
        let Ok(entries) = fs::read_dir(self.root.join(MODULES)) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let digest = path.file_stem().map(|stem| format!("sha256:{}", stem.to_string_lossy()));
            if !digest.is_some_and(|digest| kept.contains_key(&digest)) {
                // The next time, then.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Readable by us alone from the first byte, and complete before it has its name.
fn put(path: &Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    let mut file = tempfile::Builder::new()
        .prefix(".")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
