//! C and C++ to a core module, without a C library: clang and its linker, or those of Zig where there is no such clang.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

use wasmparser::{KnownCustom, Linking, Parser, Payload, SymbolFlags, SymbolInfo};

use super::tools::{self, Package};
use super::{KEEP_LINES, zig};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

/// Tried in this order; Debian's have their version in their name.
const CLANGS: [&str; 8] = ["clang", "clang-22", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16"];
/// Names the clang to use.
const VARIABLE: &str = "CARDEA_CLANG";
/// What one call may put on its stack.
const STACK_BYTES: &str = "stack-size=131072";

/// What builds, and for what.
#[derive(Debug)]
pub struct Compiler {
    /// A program, and what comes before any other argument.
    compile: Vec<PathBuf>,
    link: Vec<PathBuf>,
    target: &'static str,
}

impl Compiler {
    /// A clang that can link Wasm, or Zig; which is installed where there is neither.
    pub fn find() -> Result<Self, Mistake> {
        for clang in CLANGS.iter().filter_map(|name| tools::find(VARIABLE, &[name])) {
            if let Some(linker) = linker_of(&clang) {
                return Ok(Self { compile: vec![clang], link: vec![linker], target: "wasm32-unknown-unknown" });
            }
        }
        if let Some(named) = tools::find(VARIABLE, &[]) {
            let what = format!("{VARIABLE} names {}, which does not run or has no wasm-ld", named.display());
            return Err(Mistake::usage(
                what,
                "install lld beside it (Debian: apt-get install lld), or name another clang",
            ));
        }
        let purpose =
            "build C and C++ policies, since no clang with wasm-ld is on PATH (Debian: apt-get install clang lld)";
        let zig = zig::program(&Package { purpose, ..zig::PACKAGE })?;
        let part = |name: &str| vec![zig.clone(), PathBuf::from(name)];
        Ok(Self { compile: part("cc"), link: part("wasm-ld"), target: "wasm32-freestanding" })
    }

    /// Compiles a file, named from the project's folder, so that messages name it as its author does.
    pub fn compile(&self, project: &Project, source: &Path, object: &Path, flags: &[String]) -> Result<(), Mistake> {
        const REMEDY: &str = "correct the source; a header that is not found may be of a library that a policy does not have: \
                              there are those of the SDK, string.h, stdlib.h, and what needs no library (stdint.h)";
        let mut command = command(&self.compile);
        command.current_dir(&project.folder).arg(format!("--target={}", self.target)).args(flags);
        command.arg("-c").arg(source).arg("-o").arg(object);
        let what = format!("{} does not compile: see the compiler's output above", source.display());
        tools::run(&mut command, &what, REMEDY)
    }

    pub fn link(&self, objects: &[PathBuf], module: &Path, name: &str) -> Result<(), Mistake> {
        let mut command = command(&self.link);
        command.args(["--no-entry", "--gc-sections", "--stack-first", "-z", STACK_BYTES]);
        // Names of functions stay in any case.
        command.args((!KEEP_LINES.load(Ordering::Relaxed)).then_some("--strip-debug"));
        command.args(objects).arg("-o").arg(module);
        let remedy = "define what is undefined: a policy has no C library, but what cardea.h, string.h and stdlib.h of its SDK declare";
        tools::run(&mut command, &format!("{name} does not link: see the linker's output above"), remedy)
    }
}

fn command(program: &[PathBuf]) -> Command {
    let mut words = program.iter();
    let mut command = Command::new(words.next().map_or(Path::new("clang"), PathBuf::as_path));
    command.args(words);
    command
}

/// The `wasm-ld` that the clang would run, if there is one: Apple's and many a system's have none.
fn linker_of(clang: &Path) -> Option<PathBuf> {
    let mut command = Command::new(clang);
    command.args(["--target=wasm32-unknown-unknown", "-print-prog-name=wasm-ld"]).stdin(Stdio::null());
    let output = command.stderr(Stdio::null()).output().ok()?;
    let named = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    let found = if named.is_absolute() { named.is_file().then_some(named) } else { tools::find("", &["wasm-ld"]) };
    found.filter(|_| output.status.success())
}

/// The functions that an object defines (tool-conventions, Linking.md).
pub fn defined(object: &Path) -> Result<BTreeSet<String>, Mistake> {
    let bytes = std::fs::read(object).map_err(|error| Mistake::unreadable(object, &error))?;
    let mut names = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&bytes).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Linking(linking) = section.as_known() else { continue };
        for symbols in linking.subsections().map_while(Result::ok) {
            let Linking::SymbolTable(symbols) = symbols else { continue };
            for symbol in symbols.into_iter().map_while(Result::ok) {
                if let SymbolInfo::Func { flags, name: Some(name), .. } = symbol
                    && !flags.contains(SymbolFlags::UNDEFINED)
                {
                    names.insert(name.to_owned());
                }
            }
        }
    }
    Ok(names)
}

/// The sources of a project, by the endings of their names: in its folder and in its `src/`. From the folder.
pub fn sources(project: &Project, endings: &[&str]) -> Result<Vec<PathBuf>, Mistake> {
    let mut found = Vec::new();
    for within in ["", "src"] {
        let folder = project.folder.join(within);
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let names = entries.flatten().map(|entry| Path::new(within).join(entry.file_name()));
        found.extend(names.filter(|name| {
            name.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| endings.contains(&ending))
        }));
    }
    found.sort();
    let stems: BTreeSet<_> = found.iter().map(|path| path.file_stem()).collect();
    match stems.len() == found.len() {
        true => Ok(found),
        false => Err(Mistake::policy(
            format!("{} and its src/ have two sources of one name", project.folder.display()),
            "give each source a name of its own",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::author::build::c;

    #[test]
    fn sources_lie_in_the_folder_and_in_src() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { folder: folder.path().to_owned(), language: &c::LANGUAGE };
        let touch = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "").expect("written");
        };
        ["policy.c", "notes.txt", "src/table.c", "src/table.h", "test/other.c"].into_iter().for_each(touch);
        assert_eq!(sources(&project, &["c"]), Ok(vec![PathBuf::from("policy.c"), PathBuf::from("src/table.c")]));
        touch("table.c");
        assert!(sources(&project, &["c"]).is_err_and(|mistake| mistake.what.contains("two sources of one name")));
    }
}
