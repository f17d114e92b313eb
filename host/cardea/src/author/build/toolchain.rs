//! Which cargo builds policies, and with what: the environment's, the checkout's script, or the one on PATH.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::author::mistake::Mistake;
use crate::author::project::find_upwards;

pub const TARGET: &str = "wasm32-unknown-unknown";
const SCRIPT: &str = "tools/guest-toolchain";
/// Settings of the toolchain that runs us, which are not for a policy's.
const NOT_FOR_GUESTS: [&str; 9] = [
    "CARGO",
    "RUSTC",
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTUP_TOOLCHAIN",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_MANIFEST_DIR",
];

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toolchain {
    /// The cargo to run; empty: the one on PATH.
    pub cargo: String,
    pub rustflags: String,
    /// Goes in front of PATH; empty: nothing.
    pub path: String,
}

impl Toolchain {
    /// For a project in this folder.
    pub fn find(folder: &Path) -> Result<Self, Mistake> {
        let of = |name: &str| env::var(name).unwrap_or_default();
        let given = Self {
            cargo: of("CARDEA_GUEST_CARGO"),
            rustflags: of("CARDEA_GUEST_RUSTFLAGS"),
            path: of("CARDEA_GUEST_PATH"),
        };
        if given != Self::default() {
            return Ok(given);
        }
        let here = env::current_dir().ok();
        let script = find_upwards(folder, SCRIPT).or_else(|| find_upwards(&here?, SCRIPT));
        script.map_or_else(|| Ok(Self::default()), |script| ask(&script))
    }

    /// `cargo`, set up to build for [`TARGET`].
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(if self.cargo.is_empty() { "cargo" } else { &self.cargo });
        for name in NOT_FOR_GUESTS {
            command.env_remove(name);
        }
        if !self.rustflags.is_empty() {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", &self.rustflags);
        }
        if !self.path.is_empty() {
            let mut path = OsString::from(&self.path);
            if let Some(rest) = env::var_os("PATH") {
                path.push(":");
                path.push(rest);
            }
            command.env("PATH", path);
        }
        command
    }
}

/// Runs the script, which may take its time to set a toolchain up and says so on standard error.
fn ask(script: &Path) -> Result<Toolchain, Mistake> {
    let failed = |what: String| {
        let remedy = "run it by itself to see why, or set CARDEA_GUEST_CARGO to a cargo with the target";
        Mistake::usage(format!("{} {what}", script.display()), remedy)
    };
    let output = Command::new(script).arg("--print").stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| failed(format!("does not run: {error}")))?;
    match output.status.success() {
        true => Ok(parse(&String::from_utf8_lossy(&output.stdout))),
        false => Err(failed(format!("found no toolchain ({})", output.status))),
    }
}

fn parse(text: &str) -> Toolchain {
    let of = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default().to_owned()
    };
    Toolchain {
        cargo: of("CARDEA_GUEST_CARGO"),
        rustflags: of("CARDEA_GUEST_RUSTFLAGS"),
        path: of("CARDEA_GUEST_PATH"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_lines_of_the_script_are_read() {
        let text = "CARDEA_GUEST_CARGO=/usr/bin/cargo\nCARDEA_GUEST_RUSTFLAGS=--sysroot=/s -Clinker=wasm-ld\nCARDEA_GUEST_PATH=\n";
        let expected = Toolchain {
            cargo: String::from("/usr/bin/cargo"),
            rustflags: String::from("--sysroot=/s -Clinker=wasm-ld"),
            path: String::new(),
        };
        assert_eq!(parse(text), expected);
    }
}
