//! What a core module imports and exports, read without compiling it: by these names its ABI is told.

use wasmparser::{Parser, Payload};

use crate::load::LoadError;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names<'a> {
    /// Modules that functions are imported from.
    pub imports: Vec<&'a str>,
    pub exports: Vec<&'a str>,
}

impl<'a> Names<'a> {
    pub fn of(bytes: &'a [u8]) -> Result<Self, LoadError> {
        Self::read(bytes).map_err(|error| {
            let message = format!("the module is broken: {error}");
            LoadError::new("compile", "spec.module", message, "build it again; a download may have been cut short")
        })
    }

    fn read(bytes: &'a [u8]) -> wasmparser::Result<Self> {
        let mut names = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        names.imports.push(import?.module);
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        names.exports.push(export?.name);
                    }
                }
                // Nothing of interest comes after, and it is most of the module.
                Payload::CodeSectionStart { .. } => break,
                _ => {}
            }
        }
        Ok(names)
    }

    pub fn imports_from(&self, module: &str) -> bool {
        self.imports.contains(&module)
    }

    pub fn has_export(&self, name: &str) -> bool {
        self.exports.contains(&name)
    }
}
