//! When a project's source has changed and come to rest.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::author::mistake::Mistake;
use crate::author::project::Project;

/// No event for so long means that the change is over: editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(50);

/// What tools make beside the source.
const MADE: [&str; 6] = ["target", "Cargo.lock", "node_modules", "package-lock.json", "__pycache__", "zig-out"];

/// Tells of changes to what is built, and not of what building makes.
pub struct Watch {
    changes: Receiver<()>,
    watcher: RecommendedWatcher,
    roots: Vec<PathBuf>,
}

impl Watch {
    pub fn start(projects: &[Project]) -> Result<Self, Mistake> {
        let (tell, changes) = mpsc::channel();
        let hear = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_change(&event)) {
                let _ = tell.send(());
            }
        };
        let cannot = |error: notify::Error| {
            Mistake::usage(format!("the source cannot be watched: {error}"), "build without --watch, by hand")
        };
        let watcher = notify::recommended_watcher(hear).map_err(cannot)?;
        let roots = projects.iter().map(|project| project.folder.clone()).collect();
        let mut watch = Self { changes, watcher, roots };
        watch.look_at_all().map_err(cannot)?;
        Ok(watch)
    }

    /// Watching a folder again changes nothing.
    fn look_at_all(&mut self) -> notify::Result<()> {
        for folder in self.roots.iter().flat_map(|root| folders(root)) {
            self.watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        }
        Ok(())
    }

    /// Waits for the next change and until it is over. False when there will be no more.
    pub fn wait(&mut self) -> bool {
        if self.changes.recv().is_err() {
            return false;
        }
        loop {
            match self.changes.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => {
                    // A folder may be new. One that is gone already is none of ours.
                    let _ = self.look_at_all();
                    return true;
                }
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }
}

/// A folder and those in it, without what tools make and what is hidden.
fn folders(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    let mut next = 0;
    while let Some(folder) = found.get(next).cloned() {
        next += 1;
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        found.extend(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir() && is_source(path)));
    }
    found
}

fn is_change(event: &Event) -> bool {
    !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(|path| is_source(path))
}

/// Whether a build reads this: not its own output, and no editor's scratch file.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_scratch = name.starts_with('.') || name.ends_with('~') || name == "4913";
    let is_made = MADE.contains(&name.as_ref()) || name.ends_with(".wasm") || name.ends_with(".pyc");
    !is_scratch && !is_made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_scratch_files_are_no_source() {
        let source = |path: &str| is_source(Path::new(path));
        assert!(source("canary/src/lib.rs") && source("canary/Cargo.toml") && source("canary/src"));
        for path in ["canary/target", "canary/canary.wasm", "canary/.cardea-x.tmp", "src/.lib.rs.swp", "src/lib.rs~"] {
            assert!(!source(path), "{path}");
        }
    }

    #[test]
    fn an_edit_ends_the_wait() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("src")).expect("a folder");
        std::fs::write(folder.path().join("Cargo.toml"), "").expect("written");
        let project = Project::at(folder.path()).expect("a project");
        let mut watch = Watch::start(&[project]).expect("a watch");
        assert!(watch.changes.try_recv().is_err(), "nothing changed yet");
        std::fs::write(folder.path().join("src/lib.rs"), "1").expect("written");
        assert!(watch.wait());
        std::fs::create_dir(folder.path().join("src/inner")).expect("a folder");
        assert!(watch.wait());
        std::fs::write(folder.path().join("src/inner/mod.rs"), "1").expect("written");
        assert!(watch.wait(), "in a folder that is new");
    }
}
