//! `cardea policy new`: a project that builds, tests and says what it does, from templates.

use std::path::{Component, Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser};

use super::language::{Language, Template, template, template_names};
use super::mistake::Mistake;
use super::project::{Project, find_upwards};
use super::{Verdict, print, sdk};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Lower case letters, digits and hyphens.
    name: String,
    #[arg(long, default_value = "rust", value_parser = languages())]
    lang: String,
    /// The project's folder; NAME in the current one if absent.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const NAME_BYTES_MAX: usize = 63;
/// What people call some languages for short.
const SHORT: [(&str, &str); 6] = [
    ("ts", "typescript"),
    ("js", "javascript"),
    ("py", "python"),
    ("golang", "go"),
    ("c++", "cpp"),
    ("asc", "assemblyscript"),
];

fn languages() -> PossibleValuesParser {
    let of = |name: &'static str| SHORT.into_iter().filter_map(move |(short, long)| (long == name).then_some(short));
    PossibleValuesParser::new(template_names().into_iter().map(move |name| PossibleValue::new(name).aliases(of(name))))
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let lang = SHORT.into_iter().find_map(|(short, long)| (short == args.lang).then_some(long)).unwrap_or(&args.lang);
    let Some((language, template)) = template(lang) else {
        let what = format!("no policy is written in {:?} here", args.lang);
        return Err(Mistake::usage(what, format!("name one of {}", template_names().join(", "))));
    };
    check_name(&args.name, template)?;
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    check_vacant(&folder)?;
    write(&folder, &args.name, language, template)?;
    let names: Vec<&str> = template.files.iter().map(|(name, _)| *name).collect();
    print::line(format!("made {}: {}", folder.display(), names.join(", ")));
    print::line(format!("next: cd {} && cardea policy test", folder.display()));
    Ok(Verdict::Good)
}

fn write(folder: &Path, name: &str, language: &'static Language, template: &Template) -> Result<(), Mistake> {
    std::fs::create_dir_all(folder).map_err(|error| Mistake::unwritable(folder, error))?;
    let sdk = sdk_path(folder, language);
    for (file, text) in template.files {
        let path = folder.join(file);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, fill(text, name, &sdk)))
            .map_err(|error| Mistake::unwritable(&path, error))?;
    }
    let project = Project { folder: folder.to_owned(), language };
    if sdk::is_wanted(&project) {
        sdk::provide(&project)?;
    }
    Ok(())
}

fn check_name(name: &str, template: &Template) -> Result<(), Mistake> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.len() <= NAME_BYTES_MAX
        && name.bytes().all(is_plain);
    let remedy = "use lower case letters, digits and hyphens, starting with a letter: my-policy";
    match good {
        false => Err(Mistake::usage(format!("{name:?} is no name of a policy"), remedy)),
        true if template.taken.contains(&name) => Err(Mistake::usage(
            format!("{name:?} is a name that {} has for itself", template.name),
            "say what the policy does: my-policy",
        )),
        true => Ok(()),
    }
}

fn check_vacant(folder: &Path) -> Result<(), Mistake> {
    let is_vacant = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !folder.exists(),
    };
    match is_vacant {
        true => Ok(()),
        false => Err(Mistake::usage(
            format!("{} exists and is not an empty folder", folder.display()),
            "name another with --dir; nothing was written",
        )),
    }
}

fn fill(template: &str, name: &str, sdk: &str) -> String {
    let ident = name.replace('-', "_");
    let values = [("{{name}}", name), ("{{ident}}", &ident), ("{{type}}", &type_name(name)), ("{{sdk}}", sdk)];
    values.iter().fold(template.to_owned(), |text, (field, value)| text.replace(field, value))
}

/// `my-policy` as `MyPolicy`.
fn type_name(name: &str) -> String {
    let words = name.split('-').filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| first.to_ascii_uppercase() + rest).collect()
}

/// The way to the SDK: in `.cardea/`, but for Rust to that of the checkout that the folder lies in, if it does.
fn sdk_path(folder: &Path, language: &Language) -> String {
    let own = language.sdk.first().copied().unwrap_or_default();
    let found = find_upwards(folder, "guest-sdk/rust/Cargo.toml").filter(|_| language.name == "rust");
    let relative = found.and_then(|manifest| relative(&folder.canonicalize().ok()?, manifest.parent()?));
    relative.map_or_else(|| format!(".cardea/guest-sdk/{own}"), |path| path.display().to_string())
}

/// How to get from one absolute folder to another.
fn relative(from: &Path, to: &Path) -> Option<PathBuf> {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(shared)).collect();
    (shared > 0).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(name: &str, lang: &str, dir: &Path) -> Args {
        Args { name: name.to_owned(), lang: lang.to_owned(), dir: Some(dir.to_owned()) }
    }

    #[test]
    fn a_project_of_every_language_is_complete_and_is_not_overwritten() {
        for lang in template_names() {
            let root = tempfile::tempdir().expect("a folder");
            let folder = root.path().join("my-policy");
            assert_eq!(run(&args("my-policy", lang, &folder)), Ok(Verdict::Good), "{lang}");
            let (language, template) = template(lang).expect("a template");
            for (name, _) in template.files {
                let text = std::fs::read_to_string(folder.join(name)).expect(name);
                assert!(!text.contains("{{"), "{lang}: {name} is filled in");
            }
            for part in language.sdk {
                assert!(folder.join(".cardea/guest-sdk").join(part).is_dir(), "{lang}: its SDK is there");
            }
            let project = Project::at(&folder).expect("a project");
            assert_eq!((project.language, project.policy_name().as_str()), (language, "my-policy"));
            let again = run(&args("my-policy", lang, &folder)).expect_err("refused");
            assert_eq!(again.exit_code, 2);
            assert!(again.what.contains("exists"), "{again}");
        }
    }

    #[test]
    fn rust_takes_the_sdk_of_the_checkout_that_it_lies_in() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(root.path().join("guest-sdk/rust")).expect("a folder");
        std::fs::write(root.path().join("guest-sdk/rust/Cargo.toml"), "").expect("written");
        let folder = root.path().join("policies/my-policy");
        assert_eq!(run(&args("my-policy", "rust", &folder)), Ok(Verdict::Good));
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains("cardea-policy-sdk = { path = \"../../guest-sdk/rust\" }"), "{manifest}");
        assert!(!folder.join(".cardea").exists());
    }

    #[test]
    fn a_name_that_cargo_or_kubernetes_would_refuse_is_refused() {
        let (_, template) = template("rust").expect("a template");
        for name in ["", "Canary", "1st", "a_b", "a-", "-a", "../x", "test", "match"] {
            assert!(check_name(name, template).is_err(), "{name:?}");
        }
        assert_eq!(check_name("rate-limit2", template), Ok(()));
        assert_eq!(type_name("rate-limit2"), "RateLimit2");
    }
}
