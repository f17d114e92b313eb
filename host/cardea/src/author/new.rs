//! `cardea policy new`: a project that builds, tests and says what it does, from templates.

use std::path::{Component, Path, PathBuf};

use super::mistake::Mistake;
use super::project::find_upwards;
use super::{Verdict, print};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Lower case letters, digits and hyphens.
    name: String,
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// The project's folder; NAME in the current one if absent.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Language {
    Rust,
}

/// Where each file goes, and its template.
const RUST: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("new/rust/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("new/rust/src/lib.rs.txt")),
    ("policy.yaml", include_str!("new/rust/policy.yaml.txt")),
    ("scenarios.yaml", include_str!("new/rust/scenarios.yaml.txt")),
    ("README.md", include_str!("new/rust/README.md.txt")),
    (".gitignore", include_str!("new/rust/gitignore.txt")),
];

const NAME_BYTES_MAX: usize = 63;
/// Names that Rust has for itself: a crate cannot have them.
const TAKEN: [&str; 45] = [
    "alloc",
    "as",
    "async",
    "await",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "match",
    "mod",
    "move",
    "mut",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
    "where",
    "while",
];

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    check_name(&args.name)?;
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    check_vacant(&folder)?;
    let files = match args.lang {
        Language::Rust => RUST,
    };
    std::fs::create_dir_all(folder.join("src")).map_err(|error| Mistake::unwritable(&folder, error))?;
    let sdk = sdk(&folder);
    for (name, template) in files {
        let path = folder.join(name);
        std::fs::write(&path, fill(template, &args.name, &sdk)).map_err(|error| Mistake::unwritable(&path, error))?;
    }
    print::line(format!("made {}: {}", folder.display(), files.map(|(name, _)| name).join(", ")));
    print::line(format!("next: cd {} && cardea policy test", folder.display()));
    Ok(Verdict::Good)
}

fn check_name(name: &str) -> Result<(), Mistake> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.len() <= NAME_BYTES_MAX
        && name.bytes().all(is_plain);
    let remedy = "use lower case letters, digits and hyphens, starting with a letter: my-policy";
    match good {
        false => Err(Mistake::usage(format!("{name:?} is no name of a policy"), remedy)),
        true if TAKEN.contains(&name) => Err(Mistake::usage(
            format!("{name:?} is a name that Rust has for itself"),
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
    template.replace("{{name}}", name).replace("{{type}}", &type_name(name)).replace("{{sdk}}", sdk)
}

/// `my-policy` as `MyPolicy`.
fn type_name(name: &str) -> String {
    let words = name.split('-').filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| first.to_ascii_uppercase() + rest).collect()
}

/// The SDK of the checkout that the folder lies in, else the released one.
fn sdk(folder: &Path) -> String {
    let found =
        find_upwards(folder, "guest-sdk/rust/Cargo.toml").and_then(|manifest| Some(manifest.parent()?.to_owned()));
    let relative = found.and_then(|sdk| relative(&folder.canonicalize().ok()?, &sdk));
    match relative {
        Some(path) => format!("{{ path = {:?} }}", path.display().to_string()),
        None => format!("{:?}", env!("CARGO_PKG_VERSION")),
    }
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

    fn args(name: &str, dir: &Path) -> Args {
        Args { name: name.to_owned(), lang: Language::Rust, dir: Some(dir.to_owned()) }
    }

    #[test]
    fn a_project_is_complete_and_is_not_overwritten() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(root.path().join("guest-sdk/rust")).expect("a folder");
        std::fs::write(root.path().join("guest-sdk/rust/Cargo.toml"), "").expect("written");
        let folder = root.path().join("policies/my-policy");
        assert_eq!(run(&args("my-policy", &folder)), Ok(Verdict::Good));
        for (name, _) in RUST {
            let text = std::fs::read_to_string(folder.join(name)).expect(name);
            assert!(!text.contains("{{"), "{name} is filled in");
        }
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains("cardea-policy-sdk = { path = \"../../guest-sdk/rust\" }"), "{manifest}");
        let again = run(&args("my-policy", &folder)).expect_err("refused");
        assert_eq!(again.exit_code, 2);
        assert!(again.what.contains("exists"), "{again}");
    }

    #[test]
    fn outside_a_checkout_the_released_sdk_is_named() {
        let root = tempfile::tempdir().expect("a folder");
        assert_eq!(sdk(root.path()), format!("{:?}", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn a_name_that_cargo_or_kubernetes_would_refuse_is_refused() {
        for name in ["", "Canary", "1st", "a_b", "a-", "-a", "../x", "test", "match"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert_eq!(check_name("rate-limit2"), Ok(()));
        assert_eq!(type_name("rate-limit2"), "RateLimit2");
    }
}
