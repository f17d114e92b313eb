//! Whether a slow step's output is still that of its inputs, so that a build without a change costs little.

use std::path::{Path, PathBuf};

use super::tools::Package;
use crate::author::mistake::Mistake;

/// Of what a step reads: the digest of its files and of the versions of its tools.
#[derive(Debug, PartialEq, Eq)]
pub struct Stamp(String);

impl Stamp {
    pub fn of(folder: &Path, files: &[&str], tools: &[&Package]) -> Result<Self, Mistake> {
        let mut all = Vec::new();
        for tool in tools {
            all.extend_from_slice(format!("{} {}\n", tool.name, tool.version).as_bytes());
        }
        for name in files {
            let path = folder.join(name);
            let bytes = std::fs::read(&path).map_err(|error| Mistake::unreadable(&path, &error))?;
            // With its length, so that no two sets of files look alike.
            all.extend_from_slice(format!("{name} {}\n", bytes.len()).as_bytes());
            all.extend_from_slice(&bytes);
        }
        Ok(Self(cardea_policy::digest(&all)))
    }

    /// Whether the output is there and was made of these inputs.
    pub fn is_on(&self, output: &Path) -> bool {
        output.is_file() && std::fs::read_to_string(beside(output)).is_ok_and(|found| found == self.0)
    }

    /// After the step, so that one that was interrupted runs again.
    pub fn put_on(&self, output: &Path) -> Result<(), Mistake> {
        let path = beside(output);
        std::fs::write(&path, &self.0).map_err(|error| Mistake::unwritable(&path, error))
    }
}

fn beside(output: &Path) -> PathBuf {
    output.with_added_extension("stamp")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOL: Package = Package { name: "tool", version: "1.0", megabytes: 1, purpose: "test", file: "tool" };
    const NEWER: Package = Package { name: "tool", version: "1.1", megabytes: 1, purpose: "test", file: "tool" };

    #[test]
    fn an_output_is_made_again_where_an_input_or_a_tool_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let stamp = |tool| Stamp::of(folder.path(), &["a", "b"], &[tool]).expect("a stamp");
        std::fs::write(at("a"), "1").expect("written");
        std::fs::write(at("b"), "2").expect("written");
        stamp(&TOOL).put_on(&at("out.wasm")).expect("written");
        assert!(!stamp(&TOOL).is_on(&at("out.wasm")), "there is no output");
        std::fs::write(at("out.wasm"), "").expect("written");
        assert!(stamp(&TOOL).is_on(&at("out.wasm")));
        assert!(!stamp(&NEWER).is_on(&at("out.wasm")));
        std::fs::write(at("b"), "3").expect("written");
        assert!(!stamp(&TOOL).is_on(&at("out.wasm")));
        assert!(Stamp::of(folder.path(), &["none"], &[]).is_err());
    }
}
