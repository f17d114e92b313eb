//! A Rust policy is the same module whoever builds it, wherever: nothing of the machine is in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use cardea_tests::ingress::binary;

fn cardea() -> Command {
    Command::new(std::path::absolute(binary().unwrap()).unwrap())
}

/// Cargo's own folder, with what it has downloaded.
fn cargo_home() -> PathBuf {
    let home = || Path::new(&std::env::var_os("HOME").expect("a home")).join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

/// The same for another user, so to say.
fn another_cargo_home(at: &Path) {
    std::fs::create_dir_all(at).unwrap();
    for name in ["registry", "config.toml"].iter().filter(|name| cargo_home().join(name).exists()) {
        symlink(cargo_home().join(name), at.join(name)).unwrap();
    }
}

/// A new project, built with nothing that was compiled before.
fn build(folder: &Path, cargo_home: &Path, lock: Option<&Path>) -> Vec<u8> {
    let made = cardea().args(["policy", "new", "door", "--dir"]).arg(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    if let Some(lock) = lock {
        std::fs::copy(lock, folder.join("Cargo.lock")).unwrap();
    }
    let mut command = cardea();
    command.args(["policy", "build"]).arg(folder).env("CARGO_HOME", cargo_home).env_remove("CARGO_TARGET_DIR");
    let built = command.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    std::fs::read(folder.join("door.wasm")).unwrap()
}

#[test]
fn two_builders_make_the_same_bytes_and_are_not_named_there() {
    let root = tempfile::tempdir().unwrap();
    let ann = root.path().join("ann/door");
    let one = build(&ann, &cargo_home(), None);
    // With a space, which variables of cargo cannot hold.
    let other_home = root.path().join("bob's home/cargo");
    another_cargo_home(&other_home);
    let other = build(&root.path().join("bob/work/policies/door"), &other_home, Some(&ann.join("Cargo.lock")));
    let text = String::from_utf8_lossy(&one);
    for name in [root.path(), &cargo_home()] {
        assert!(!text.contains(name.to_str().unwrap()), "the module names {}", name.display());
    }
    assert!(text.contains("/cargo/registry/src/"), "the module names no dependency: nothing was shown");
    assert!(one == other, "the modules differ: {} and {} bytes", one.len(), other.len());
}
