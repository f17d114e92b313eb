//! Which manifests a directory holds right now.
//!
//! Symbolic links are followed, as mounted ConfigMaps are made of them, but no file or directory is met twice. Names
//! that start with a dot are left out: editors' and kubelet's own.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// What tells one state of a file from the next, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    pub size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the file may change once more without changing its stamp: the kernel's clock for files ticks slowly.
    pub(super) fn is_racy(&self) -> bool {
        const TICK: Duration = Duration::from_millis(20);
        let (seconds, nanos) = self.changed;
        let since = Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanos).unwrap_or(0));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        now < since.saturating_add(TICK)
    }
}

/// A manifest that is there.
#[derive(Debug)]
pub(super) struct Found {
    pub path: PathBuf,
    pub stamp: Stamp,
    /// Where a symbolic link leads in the end.
    pub target: Option<PathBuf>,
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    /// By path relative to the root, in order.
    pub files: BTreeMap<Arc<str>, Found>,
    /// What could not be looked at, by relative path; everything below it is unknown rather than gone.
    pub unreadable: BTreeMap<String, String>,
    /// Where a change may happen: the directories walked, and those that links lead into.
    pub directories: BTreeSet<PathBuf>,
}

impl Tree {
    /// Looks at everything below `root`. `enter` is told of each directory before it is listed, to watch it in time.
    pub(super) fn walk(root: &Path, enter: &mut dyn FnMut(&Path)) -> Self {
        let mut walk = Walk { tree: Self::default(), seen: HashSet::new(), enter };
        if let Err(error) = walk.directory(root, "") {
            walk.tree.unreadable.insert(String::new(), error.to_string());
        }
        walk.tree
    }

    /// Whether nothing is known of this path, because it or a directory above it could not be read.
    pub(super) fn is_unknown(&self, path: &str) -> bool {
        let above = |unreadable: &str| match path.strip_prefix(unreadable) {
            Some(rest) => unreadable.is_empty() || rest.is_empty() || rest.starts_with('/'),
            None => false,
        };
        self.unreadable.keys().any(|unreadable| above(unreadable))
    }
}

struct Walk<'a> {
    tree: Tree,
    /// Device and inode of what was met.
    seen: HashSet<(u64, u64)>,
    enter: &'a mut dyn FnMut(&Path),
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path, relative: &str) -> io::Result<()> {
        (self.enter)(path);
        self.tree.directories.insert(path.to_owned());
        let mut names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort_unstable();
        for name in names {
            let text = name.to_string_lossy();
            if text.starts_with('.') {
                continue;
            }
            let relative = if relative.is_empty() { text.into_owned() } else { format!("{relative}/{text}") };
            match self.entry(path.join(&name), &relative) {
                Ok(()) => {}
                // Removed since it was listed, or a link that leads nowhere.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => _ = self.tree.unreadable.insert(relative, error.to_string()),
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, relative: &str) -> io::Result<()> {
        let manifest = path.extension().is_some_and(|have| EXTENSIONS.iter().any(|extension| have == *extension));
        let metadata = fs::metadata(&path)?;
        let interesting = metadata.is_dir() || (manifest && metadata.is_file());
        if !interesting || !self.seen.insert((metadata.dev(), metadata.ino())) {
            return Ok(());
        }
        if metadata.is_dir() {
            return self.directory(&path, relative);
        }
        let target = fs::symlink_metadata(&path)?.is_symlink().then(|| fs::canonicalize(&path)).transpose()?;
        self.tree.directories.extend(target.as_deref().and_then(Path::parent).map(Path::to_owned));
        self.tree.files.insert(relative.into(), Found { path, stamp: Stamp::of(&metadata), target });
        Ok(())
    }
}
