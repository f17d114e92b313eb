//! Makes the table of what authors' projects need: the files of `guest-sdk/` and `wit/`, to be embedded in the binary;
//! and assembles what Go policies have for WASI.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Names that tools make in those folders; hidden files are left out too.
const MADE: [&str; 4] = ["target", "node_modules", "__pycache__", "zig-out"];

/// What Go policies have for WASI.
const GO_WASI: &str = "src/author/build/go/wasi.wat";

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let mut table = String::from("[\n");
    for folder in ["guest-sdk", "wit"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        let mut files = Vec::new();
        collect(&root.join(folder), &mut files)?;
        files.sort();
        for file in files {
            let name = file.strip_prefix(&root)?.to_str().ok_or("a name that is not UTF-8")?.to_owned();
            writeln!(table, "    ({name:?}, include_bytes!({:?})),", file.to_str().ok_or("a path that is not UTF-8")?)?;
        }
    }
    table.push_str("]\n");
    let made = env::var("OUT_DIR")?;
    fs::write(Path::new(&made).join("embedded.rs"), table)?;
    println!("cargo::rerun-if-changed={GO_WASI}");
    fs::write(Path::new(&made).join("go-wasi.wasm"), wat::parse_file(GO_WASI)?)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with(".wasm") || name.ends_with('~') || MADE.contains(&name.as_str()) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => collect(&entry.path(), files)?,
            false => files.push(entry.path()),
        }
    }
    Ok(())
}
