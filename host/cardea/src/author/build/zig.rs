//! Zig: its compiler, which also compiles C where there is no clang.

use std::path::PathBuf;

use super::tools::{self, Package};
use crate::author::mistake::Mistake;

/// Zig changes its language between versions, so another one on PATH is not taken.
pub const PACKAGE: Package =
    Package { name: "ziglang", version: "0.17.1", megabytes: 101, purpose: "build Zig policies" };

/// The `zig` that is named by CARDEA_ZIG, or PyPI's of the version that the SDK is written for.
pub fn program(package: &Package) -> Result<PathBuf, Mistake> {
    match tools::find("CARDEA_ZIG", &[]) {
        Some(named) => Ok(named),
        None => Ok(tools::pip(package)?.join("ziglang/zig")),
    }
}
