//! The languages that policies are written in, each with what tells it, what builds it, and what `new` makes of it.

use super::build::{self, Component};
use super::mistake::Mistake;
use super::project::Project;

/// A row of the table; `build/<language>.rs` has it.
#[derive(Debug)]
pub struct Language {
    pub name: &'static str,
    /// A folder with one of these files is a project of the language.
    pub marks: &'static [&'static str],
    /// Folders of `guest-sdk/` that a project finds in its `.cardea/guest-sdk/`.
    pub sdk: &'static [&'static str],
    pub build: fn(&Project) -> Result<Vec<Component>, Mistake>,
    pub templates: &'static [Template],
}

/// What `cardea policy new --lang NAME` makes. Texts may contain `{{name}}` (`my-policy`), `{{ident}}` (`my_policy`),
/// `{{type}}` (`MyPolicy`), and `{{sdk}}`: the way from the project to its SDK's folder.
#[derive(Debug)]
pub struct Template {
    pub name: &'static str,
    /// Where each file goes, and its text.
    pub files: &'static [(&'static str, &'static str)],
    /// Names of policies that the language has for itself.
    pub taken: &'static [&'static str],
}

/// In the order in which a folder is asked for their marks.
pub static LANGUAGES: [&Language; 8] = [
    &build::rust::LANGUAGE,
    &build::go::LANGUAGE,
    &build::c::LANGUAGE,
    &build::assemblyscript::LANGUAGE,
    &build::javascript::LANGUAGE,
    &build::python::LANGUAGE,
    &build::zig::LANGUAGE,
    &build::cpp::LANGUAGE,
];

/// What a trap of a policy tells its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traps {
    /// Frames of the policy's own functions.
    Framed,
    /// The same; and the SDK logs what the policy threw, if it imports `log`.
    Logged,
    /// The frames are an interpreter's. The SDK logs what the policy threw, if it imports `log`.
    Interpreted,
}

impl Language {
    pub fn traps(&self) -> Traps {
        match self.name {
            "go" | "assemblyscript" => Traps::Logged,
            "javascript" | "python" => Traps::Interpreted,
            _ => Traps::Framed,
        }
    }

    /// Of the first whose mark lies in the folder.
    pub fn of(folder: &std::path::Path) -> Option<&'static Self> {
        LANGUAGES.into_iter().find(|language| language.mark(folder).is_some())
    }

    /// The mark that lies in the folder.
    pub fn mark(&self, folder: &std::path::Path) -> Option<&'static str> {
        self.marks.iter().copied().find(|mark| folder.join(mark).is_file())
    }
}

/// By the name that `--lang` takes.
pub fn template(name: &str) -> Option<(&'static Language, &'static Template)> {
    let mut all =
        LANGUAGES.into_iter().flat_map(|language| language.templates.iter().map(move |each| (language, each)));
    all.find(|(_, template)| template.name == name)
}

pub fn template_names() -> Vec<&'static str> {
    LANGUAGES.into_iter().flat_map(|language| language.templates).map(|template| template.name).collect()
}

pub fn is_mark(name: &str) -> bool {
    LANGUAGES.into_iter().any(|language| language.marks.contains(&name))
}

/// Every mark, for messages.
pub fn marks() -> String {
    LANGUAGES.into_iter().flat_map(|language| language.marks).copied().collect::<Vec<_>>().join(", ")
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Language {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_rows_answer_to_one_name() {
        let names = template_names();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        for name in names {
            assert!(template(name).is_some_and(|(language, _)| !language.marks.is_empty()), "{name}");
        }
        assert_eq!(template("cobol").map(|(language, _)| language.name), None);
    }

    #[test]
    fn a_template_makes_a_project_of_its_language_with_scenarios_and_a_manifest() {
        for name in template_names() {
            let Some((language, template)) = template(name) else { panic!("{name}") };
            let folder = tempfile::tempdir().expect("a folder");
            let has = |file: &str| template.files.iter().any(|(path, _)| *path == file);
            for (path, text) in template.files {
                let path = folder.path().join(path);
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
                std::fs::write(path, text).expect("written");
            }
            assert_eq!(Language::of(folder.path()), Some(language), "{name}");
            for file in ["policy.yaml", "scenarios.yaml", "request.http", "README.md", ".gitignore"] {
                assert!(has(file), "{name}: {file}");
            }
        }
    }
}
