//! A Kubernetes control plane under a test: our own (`tests/control-plane`), or the one of `CARDEA_TEST_KUBECONFIG`.
//!
//! Tests run at the same time against one plane, each in a namespace of its own. Our own plane can be paused, killed
//! and started again; pods are what tests say they are, and listen on addresses of the pod range.

pub mod api;
pub mod fault;
mod kind;
pub mod room;
pub mod sandbox;

use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use crate::guest;
use api::Api;
pub use room::Room;

/// The one Node; nothing runs on it.
pub const NODE: &str = "cardea-test";

pub struct Plane {
    /// None where it is not ours.
    process: Option<Mutex<Process>>,
    folder: TempDir,
    pub kubeconfig: PathBuf,
    pub server: String,
    rooms: AtomicU32,
    addresses: AtomicU16,
}

struct Process {
    child: Child,
    port: u16,
}

/// What it prints when it is ready.
#[derive(Deserialize)]
struct Ready {
    kubeconfig: PathBuf,
    server: String,
}

impl Plane {
    /// Starts our own, or takes the one that the environment names; then makes what all tests share.
    ///
    /// # Errors
    /// When it does not become ready, with what it said.
    pub async fn start() -> Result<Self> {
        let folder = TempDir::with_prefix("cardea-plane-")?;
        let plane = match std::env::var_os("CARDEA_TEST_KUBECONFIG") {
            Some(kubeconfig) => Self::of_others(folder, kubeconfig.into())?,
            None => {
                let (child, ready) = launch(folder.path(), 0)?;
                let port = ready.server.rsplit_once(':').context("a server without a port")?.1.parse()?;
                Self::new(folder, Some(Process { child, port }), ready.kubeconfig, ready.server)
            }
        };
        plane.furnish().await?;
        Ok(plane)
    }

    fn of_others(folder: TempDir, kubeconfig: PathBuf) -> Result<Self> {
        let text = std::fs::read_to_string(&kubeconfig).with_context(|| kubeconfig.display().to_string())?;
        let config: serde_json::Value = serde_yaml::from_str(&text)?;
        let server = config.pointer("/clusters/0/cluster/server").and_then(serde_json::Value::as_str);
        let server = server.context("a kubeconfig without a server")?.to_owned();
        Ok(Self::new(folder, None, kubeconfig, server))
    }

    fn new(folder: TempDir, process: Option<Process>, kubeconfig: PathBuf, server: String) -> Self {
        let process = process.map(Mutex::new);
        // Other runs against the same foreign cluster have other numbers.
        let rooms = AtomicU32::new(if process.is_some() { 0 } else { std::process::id() * 1000 });
        Self { process, folder, kubeconfig, server, rooms, addresses: AtomicU16::new(1) }
    }

    /// The Node that pods say they are on, and the resources that `cardea` brings.
    async fn furnish(&self) -> Result<()> {
        let api = self.api().await?;
        api.apply(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})).await?;
        for object in shipped("install")?.into_iter().filter(is_definition) {
            let name = object.pointer("/metadata/name").and_then(serde_json::Value::as_str).unwrap_or_default();
            api.apply(&object).await?;
            api.until("CustomResourceDefinition", "", name, established).await?;
        }
        Ok(())
    }

    /// A client as the administrator, of the runtime that asks.
    pub async fn api(&self) -> Result<Api> {
        Api::connect(&self.kubeconfig).await
    }

    /// A namespace of its own, and what belongs to it.
    pub async fn room(&self) -> Result<Room> {
        let number = self.rooms.fetch_add(1, Ordering::Relaxed);
        Room::new(self.api().await?, &format!("test-{number}")).await
    }

    /// An address of the pod range that no other test has.
    pub fn address(&self) -> IpAddr {
        let [high, low] = self.addresses.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Ipv4Addr::new(10, 244, high, low).into()
    }

    /// A kubeconfig of a service account, of this plane or of something in front of it.
    pub async fn kubeconfig_of(&self, namespace: &str, account: &str, server: Option<&str>) -> Result<PathBuf> {
        let token = self.api().await?.token(namespace, account).await?;
        let text = std::fs::read_to_string(&self.kubeconfig)?;
        let mut config: serde_json::Value = serde_yaml::from_str(&text)?;
        if let Some(user) = config.pointer_mut("/users/0/user") {
            *user = json!({ "token": token });
        }
        if let (Some(server), Some(cluster)) = (server, config.pointer_mut("/clusters/0/cluster")) {
            *cluster = json!({ "server": server });
        }
        let path =
            self.folder.path().join(format!("{namespace}-{account}-{}.json", self.rooms.load(Ordering::Relaxed)));
        std::fs::write(&path, serde_json::to_vec(&config)?)?;
        Ok(path)
    }

    /// Whether it may be paused and killed.
    pub fn is_ours(&self) -> bool {
        self.process.is_some()
    }

    /// It keeps every connection, and answers nothing.
    pub fn pause(&self) -> Result<()> {
        self.process()?.signal("STOP")
    }

    pub fn resume(&self) -> Result<()> {
        self.process()?.signal("CONT")
    }

    /// Ends it as a crash would; what it stored stays.
    pub fn kill(&self) -> Result<()> {
        let mut process = self.process()?;
        process.child.kill()?;
        process.child.wait()?;
        Ok(())
    }

    /// Starts it again after [`Self::kill`], at the same address, with what it had stored.
    pub fn restart(&self) -> Result<()> {
        let mut process = self.process()?;
        let (child, _) = launch(self.folder.path(), process.port)?;
        process.child = child;
        Ok(())
    }

    /// Undoes what a test that failed has left undone.
    pub fn recover(&self) -> Result<()> {
        if self.process()?.child.try_wait()?.is_some() { self.restart() } else { self.resume() }
    }

    fn process(&self) -> Result<MutexGuard<'_, Process>> {
        let process = self.process.as_ref().context("this plane is not ours")?;
        Ok(process.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Process {
    fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status()?;
        ensure!(status.success(), "kill -{name}: {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have been killed by the test: then both calls say so, and nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it on the state in `folder`, and waits for the line that says it is ready: it comes, or the output ends.
fn launch(folder: &Path, port: u16) -> Result<(Child, Ready)> {
    let log = folder.join("log");
    let mut child = Command::new(program()?)
        .args(["--while-stdin", "--port", &port.to_string(), "--pod-cidr", sandbox::POD_RANGE, "--data-dir"])
        .arg(folder.join("state"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(std::fs::OpenOptions::new().create(true).append(true).open(&log)?)
        .spawn()?;
    let mut line = String::new();
    let output = child.stdout.take().context("no output")?;
    BufReader::new(output).read_line(&mut line)?;
    match serde_json::from_str(&line) {
        Ok(ready) => Ok((child, ready)),
        Err(_) => {
            let _ = child.kill();
            let _ = child.wait();
            let mut said = String::new();
            std::fs::File::open(&log)?.read_to_string(&mut said)?;
            let end: Vec<&str> = said.lines().rev().take(8).collect();
            bail!("the control plane is not ready ({line:?}); newest first:\n{}", end.join("\n"));
        }
    }
}

/// `CARDEA_CONTROL_PLANE`, or what `tools/control-plane` has built or now builds.
fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CARDEA_CONTROL_PLANE") {
        return Ok(path.into());
    }
    let tool = guest::root().join("tools/control-plane");
    let output = Command::new(&tool).stderr(Stdio::inherit()).output().context("tools/control-plane")?;
    ensure!(output.status.success(), "tools/control-plane: {}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

/// The objects of a file of `deploy/manifests` (its name without `.yaml`).
///
/// # Errors
/// When the file is not there, or not YAML.
pub fn shipped(name: &str) -> Result<Vec<serde_json::Value>> {
    let path = guest::root().join("deploy/manifests").join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let documents = serde_yaml::Deserializer::from_str(&text).map(serde::Deserialize::deserialize);
    let objects: Vec<serde_json::Value> = documents.collect::<Result<_, _>>()?;
    Ok(objects.into_iter().filter(|object| !object.is_null()).collect())
}

fn is_definition(object: &serde_json::Value) -> bool {
    object.get("kind").is_some_and(|kind| kind == "CustomResourceDefinition")
}

fn established(definition: Option<&serde_json::Value>) -> Result<()> {
    let wanted = json!({"status": {"conditions": {"has": [{"type": "Established", "status": "True"}]}}});
    crate::pattern::matches(&wanted, definition).map_err(anyhow::Error::msg)
}
