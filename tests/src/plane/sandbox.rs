//! A network of the tests' own: the pod range is local in it, so that a backend can listen on a pod's address.
//!
//! The test program runs itself again inside new user, process and network namespaces, which needs no privilege; as
//! root in a container that forbids user namespaces, it does without one. Whatever it leaves behind ends with it.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Where pods are.
pub const POD_RANGE: &str = "10.244.0.0/16";

const INSIDE: &str = "CARDEA_TEST_INSIDE";
const OWN: [&str; 4] = ["-npf", "--mount-proc", "--kill-child", "--"];

/// Runs this program again inside; `None` when this is inside already.
///
/// # Errors
/// When no namespace can be made here, with what would be needed.
pub fn enter() -> Result<Option<ExitCode>> {
    if std::env::var_os(INSIDE).is_some() {
        set_up()?;
        return Ok(None);
    }
    let with_user = [["-Ur"].as_slice(), &OWN].concat();
    let arguments = if works(&with_user) {
        with_user
    } else if works(&OWN) {
        OWN.to_vec()
    } else {
        bail!("`unshare -Ur -npf` fails: allow user namespaces, or run the cluster tests as root");
    };
    let program = std::env::current_exe()?;
    let mut again = Command::new("unshare");
    again.args(arguments).arg(program).args(std::env::args_os().skip(1)).env(INSIDE, "1");
    let status = again.status().context("unshare (Debian: util-linux)")?;
    Ok(Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

fn works(arguments: &[&str]) -> bool {
    let mut trial = Command::new("unshare");
    trial.args(arguments).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    trial.status().is_ok_and(|status| status.success())
}

fn set_up() -> Result<()> {
    for arguments in ["link set lo up", &format!("route add local {POD_RANGE} dev lo")] {
        let status = Command::new("ip").args(arguments.split(' ')).status().context("ip (Debian: iproute2)")?;
        ensure!(status.success(), "ip {arguments}: {status}");
    }
    Ok(())
}
