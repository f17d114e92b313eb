//! Where a policy's source is, its language, and which projects a command's paths mean.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::language::{self, Language};
use super::mistake::Mistake;

/// Within a project: for what a build makes on its way.
pub const BUILD_FOLDER: &str = ".cardea/build";

/// A folder with a language's mark: one policy, or a workspace of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub folder: PathBuf,
    pub language: &'static Language,
}

impl Project {
    /// At a folder, or at the file that marks it: `Cargo.toml`, `policy.c`.
    pub fn at(path: &Path) -> Result<Self, Mistake> {
        let is_mark = path.is_file() && path.file_name().is_some_and(|name| language::is_mark(&name.to_string_lossy()));
        let folder = if is_mark { path.parent().unwrap_or(Path::new(".")) } else { path };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if let Some(language) = Language::of(folder) {
            return Ok(Self { folder: folder.to_owned(), language });
        }
        let what = match folder.exists() {
            true => format!("{} is no policy's project: it has none of {}", folder.display(), language::marks()),
            false => format!("{} does not exist", folder.display()),
        };
        Err(Mistake::usage(what, "name a policy's folder; `cardea policy new NAME` makes one"))
    }

    /// The file that tells of the language.
    pub fn mark(&self) -> PathBuf {
        let mark = self.language.mark(&self.folder).or(self.language.marks.first().copied());
        self.folder.join(mark.unwrap_or_default())
    }

    /// What its component is called: as `policy.yaml` beside it says in `spec.module.file`, else like its folder.
    pub fn policy_name(&self) -> String {
        module_file(&self.folder.join("policy.yaml")).unwrap_or_else(|| folder_name(&self.folder))
    }

    /// For messages: `canary (policy.c)`.
    pub fn title(&self) -> String {
        let mark = self.mark().file_name().unwrap_or_default().to_string_lossy().into_owned();
        format!("{} ({mark})", self.policy_name())
    }

    /// For what a build makes on its way; exists, and is not watched.
    pub fn build_folder(&self) -> Result<PathBuf, Mistake> {
        let folder = self.folder.join(BUILD_FOLDER);
        std::fs::create_dir_all(&folder).map_err(|error| Mistake::unwritable(&folder, error))?;
        Ok(folder)
    }
}

/// `.` is said as the folder's own name.
pub fn folder_name(folder: &Path) -> String {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    full.file_name().map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The file or folder called `name` in the folder given, or in one above it.
pub fn find_upwards(from: &Path, name: &str) -> Option<PathBuf> {
    let from = from.canonicalize().ok()?;
    from.ancestors().map(|folder| folder.join(name)).find(|path| path.exists())
}

/// `canary` of a manifest with `module: { file: canary.wasm }`. A manifest that cannot be read says nothing here:
/// `cardea policy check` tells what is wrong with it.
fn module_file(manifest: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Manifest {
        spec: Spec,
    }
    #[derive(Deserialize)]
    struct Spec {
        module: Module,
    }
    #[derive(Deserialize)]
    struct Module {
        file: String,
    }
    let manifest: Manifest = serde_yaml::from_str(&std::fs::read_to_string(manifest).ok()?).ok()?;
    let file = Path::new(&manifest.spec.module.file);
    file.extension().filter(|extension| *extension == "wasm")?;
    Some(file.file_stem()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_called_as_its_manifest_says_or_like_its_folder() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("checkout");
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("Cargo.toml"), "").expect("written");
        let name = || Project::at(&folder).map(|project| project.policy_name());
        assert_eq!(name(), Ok(String::from("checkout")));
        std::fs::write(folder.join("policy.yaml"), "spec: { module: { file: modules/canary.wasm } }").expect("written");
        assert_eq!(name(), Ok(String::from("canary")));
        std::fs::write(folder.join("policy.yaml"), "spec: [").expect("written");
        assert_eq!(name(), Ok(String::from("checkout")));
    }

    #[test]
    fn a_folder_without_a_mark_is_told_with_the_marks() {
        let folder = tempfile::tempdir().expect("a folder");
        let mistake = Project::at(folder.path()).expect_err("a mistake");
        assert!(mistake.what.contains("Cargo.toml"), "{mistake}");
        assert!(Project::at(&folder.path().join("missing")).is_err_and(|mistake| mistake.what.contains("not exist")));
    }
}
