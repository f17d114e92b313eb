//! What a Wasm file is made of, read from its sections without compiling it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wasmparser::{CustomSectionReader, Encoding, KnownCustom, Parser, Payload};

use super::build;
use super::mistake::Mistake;
use super::project::Project;

/// Prefix of the interfaces of our own package.
pub const PACKAGE: &str = "cardea:policy/";
/// Imports of our package that need no grant.
const ALWAYS: [&str; 2] = ["types", "exchange"];
const PHASES: [&str; 4] = ["on-request", "on-request-body", "on-response", "on-complete"];
const PAGE_BYTES: u64 = 64 << 10;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// Of the component itself, as written: `cardea:policy/exchange@0.1.0`.
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    pub core_modules: u32,
    /// Linear memory with which an instance starts, over all core modules.
    pub memory_bytes_min: u64,
    /// Who made it, each once: (`language` | `sdk` | `processed-by`, name, version).
    pub producers: BTreeSet<(String, String, String)>,
    pub is_component: bool,
    /// Custom sections of its own, and their bytes.
    pub sections: Vec<(String, usize)>,
    /// Some core module names its functions: a trap tells where it was.
    pub names: bool,
    /// Some core module has DWARF: `dev` tells lines of the source.
    pub lines: bool,
    /// Where a debugger finds its source map.
    pub source_map: Option<String>,
}

impl Shape {
    /// Of a component; `None` of anything else.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::of_any(bytes).filter(|shape| shape.is_component)
    }

    /// Of a component, or of a core module, whose imports read `module.name`; `None` if it is no Wasm.
    pub fn of_any(bytes: &[u8]) -> Option<Self> {
        let mut shape = Self::default();
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.ok()? {
                Payload::Version { encoding, .. } => {
                    depth += 1;
                    shape.is_component |= encoding == Encoding::Component;
                    shape.core_modules += u32::from(encoding == Encoding::Module);
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                payload => shape.section(&payload, depth)?,
            }
        }
        Some(shape)
    }

    fn section(&mut self, payload: &Payload<'_>, depth: u32) -> Option<()> {
        match payload {
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports.clone() {
                    self.imports.push(import.ok()?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 1 => {
                for export in exports.clone() {
                    self.exports.push(export.ok()?.name.name.to_owned());
                }
            }
            Payload::ImportSection(imports) if depth == 1 => {
                for import in imports.clone().into_imports() {
                    let import = import.ok()?;
                    self.imports.push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ExportSection(exports) if depth == 1 => {
                for export in exports.clone() {
                    self.exports.push(export.ok()?.name.to_owned());
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories.clone() {
                    self.memory_bytes_min += memory.ok()?.initial.saturating_mul(PAGE_BYTES);
                }
            }
            Payload::CustomSection(section) => {
                if depth == 1 {
                    self.sections.push((section.name().to_owned(), section.data().len()));
                }
                self.custom(section);
            }
            _ => {}
        }
        Some(())
    }

    /// A custom section that cannot be read says nothing, and is no fault.
    fn custom(&mut self, section: &CustomSectionReader<'_>) {
        match section.name() {
            "name" => self.names = true,
            ".debug_line" => self.lines = true,
            "sourceMappingURL" => {
                // A length in one byte or two, and a text.
                let text = section.data().iter().copied().skip_while(|byte| !byte.is_ascii_graphic()).collect();
                self.source_map = String::from_utf8(text).ok();
            }
            _ => {}
        }
        let KnownCustom::Producers(fields) = section.as_known() else { return };
        for field in fields.into_iter().flatten() {
            for value in field.values.into_iter().flatten() {
                self.producers.insert((field.name.to_owned(), value.name.to_owned(), value.version.to_owned()));
            }
        }
    }

    /// What it was made for, by what it imports and exports.
    pub fn abi(&self) -> Option<&'static str> {
        let exports = |prefix: &str| self.exports.iter().any(|name| name.starts_with(prefix));
        let imports = |prefix: &str| self.imports.iter().any(|name| name.starts_with(prefix));
        if self.is_component {
            return [(PACKAGE, "cardea:policy"), ("wasi:http/", "wasi:http")]
                .into_iter()
                .find_map(|(prefix, abi)| exports(prefix).then_some(abi));
        }
        if exports("proxy_abi_version_") || imports("env.proxy_") {
            Some("proxy-wasm")
        } else if imports("http_handler.") || exports("handle_request") && exports("handle_response") {
            Some("http-wasm")
        } else {
            None
        }
    }

    /// The versions of our interfaces that it was built against: one, mostly.
    pub fn versions(&self) -> BTreeSet<&str> {
        let ours = self.imports.iter().chain(&self.exports).filter_map(|name| name.strip_prefix(PACKAGE));
        ours.filter_map(|rest| rest.split_once('@')).map(|(_, version)| version).collect()
    }

    /// The interfaces that a Policy has to grant.
    pub fn capabilities(&self) -> Vec<&str> {
        self.imports.iter().filter_map(|name| interface(name)).filter(|name| !ALWAYS.contains(name)).collect()
    }

    /// The phases, by interface name, in the order of an exchange.
    pub fn phases(&self) -> Vec<&'static str> {
        let is_exported = |phase: &&str| self.exports.iter().any(|name| interface(name) == Some(phase));
        PHASES.into_iter().filter(is_exported).collect()
    }
}

/// `exchange` of `cardea:policy/exchange@0.1.0`; `None` of another package.
fn interface(name: &str) -> Option<&str> {
    Some(name.strip_prefix(PACKAGE)?.split_once('@')?.0)
}

/// The module's bytes, and where they were.
#[derive(Debug)]
pub struct Module {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

impl Module {
    /// Reads a file, or the one `.wasm` file of a folder.
    pub fn read(path: &Path) -> Result<Self, Mistake> {
        let path = if path.is_dir() { only_module(path)? } else { path.to_owned() };
        let bytes = std::fs::read(&path).map_err(|error| Mistake::unreadable(&path, &error))?;
        Ok(Self { path, bytes })
    }
}

/// The module that a path means: the file; of a project's folder what it builds now, unless told not to build, and else the one
/// that lies there. What is built is not written.
pub fn named(path: &Path, no_build: bool) -> Result<Module, Mistake> {
    let project = if no_build || !path.is_dir() { None } else { Project::at(path).ok() };
    let Some(project) = project else { return Module::read(path) };
    let mut components = build::components(&project)?;
    match (components.pop(), components.len()) {
        (Some(component), 0) => {
            Ok(Module { path: component.folder.join(format!("{}.wasm", component.package)), bytes: component.bytes })
        }
        _ => {
            Err(Mistake::usage(format!("{} builds several policies", path.display()), "name the folder of one of them"))
        }
    }
}

fn only_module(folder: &Path) -> Result<PathBuf, Mistake> {
    let entries = std::fs::read_dir(folder).map_err(|error| Mistake::unreadable(folder, &error))?;
    let mut modules: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_module(path)).collect();
    modules.sort();
    match (modules.pop(), modules.len()) {
        (Some(module), 0) => Ok(module),
        (None, _) => Err(Mistake::usage(
            format!("{} has no .wasm file", folder.display()),
            "build it first: `cardea policy build`, or name the file",
        )),
        (Some(_), more) => {
            let what = format!("{} has {} .wasm files", folder.display(), more + 1);
            Err(Mistake::usage(what, "name the file that is meant"))
        }
    }
}

fn is_module(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|extension| extension == "wasm")
}
