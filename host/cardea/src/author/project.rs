//! Where a policy's source is, and which projects a command's paths mean.

use std::path::{Path, PathBuf};

use super::mistake::Mistake;

/// A folder with a Cargo.toml: one policy, or a workspace of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Project {
    pub folder: PathBuf,
}

impl Project {
    pub fn at(path: &Path) -> Result<Self, Mistake> {
        let folder = if path.ends_with("Cargo.toml") { path.parent().unwrap_or(Path::new(".")) } else { path };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if folder.join("Cargo.toml").is_file() {
            return Ok(Self { folder: folder.to_owned() });
        }
        let what = match folder.exists() {
            true => format!("{} has no Cargo.toml", folder.display()),
            false => format!("{} does not exist", folder.display()),
        };
        Err(Mistake::usage(what, "name a policy's folder; `cardea policy new NAME` makes one"))
    }

    pub fn manifest(&self) -> PathBuf {
        self.folder.join("Cargo.toml")
    }

    /// `.` is said as the folder's own name.
    pub fn name(&self) -> String {
        let full = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        full.file_name().map_or_else(|| self.folder.display().to_string(), |name| name.to_string_lossy().into_owned())
    }
}

/// The file or folder called `name` in the folder given, or in one above it.
pub fn find_upwards(from: &Path, name: &str) -> Option<PathBuf> {
    let from = from.canonicalize().ok()?;
    from.ancestors().map(|folder| folder.join(name)).find(|path| path.exists())
}
