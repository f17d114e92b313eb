//! The process under test: started on a directory of its own, watched through its output, ended by its own pid.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::client::http1;
use crate::pattern;
use crate::pulse::{Pulse, within};
use crate::wire::Wire;

/// The watched directory. A file appears whole: it is written beside the directory and renamed into it.
pub struct Manifests {
    folder: TempDir,
}

impl Manifests {
    pub fn new() -> Result<Self> {
        let folder = TempDir::with_prefix("cardea-test-")?;
        std::fs::create_dir(folder.path().join("live"))?;
        std::fs::DirBuilder::new().mode(0o700).create(folder.path().join("private"))?;
        Ok(Self { folder })
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("live")
    }

    /// A folder that nobody else has access to, and that is not watched.
    pub fn private(&self) -> PathBuf {
        self.folder.path().join("private")
    }

    pub fn write(&self, file: &str, content: &[u8]) -> Result<()> {
        let staged = self.folder.path().join("staged");
        std::fs::write(&staged, content)?;
        let target = self.path().join(file);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        Ok(std::fs::rename(staged, target)?)
    }

    pub fn delete(&self, file: &str) -> Result<()> {
        std::fs::remove_file(self.path().join(file)).with_context(|| format!("delete {file}"))
    }
}

/// What the process has said so far.
#[derive(Default)]
struct Journal {
    /// Standard error, one JSON object a line.
    events: Vec<Value>,
    /// Standard output, one JSON object a request.
    records: Vec<Value>,
    /// Lines that are not JSON, for the report of a failure.
    noise: Vec<String>,
    /// Of its two outputs, how many have ended.
    ended: u8,
    /// Nobody takes what it says from now on.
    unread: bool,
}

/// Where a step began, so that it looks only at what came after; by default the start of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mark {
    events: usize,
    records: usize,
}

pub struct Ingress {
    child: Child,
    pub manifests: Manifests,
    pub http: SocketAddr,
    pub https: SocketAddr,
    pub admin: SocketAddr,
    journal: Arc<Mutex<Journal>>,
    pulse: Pulse,
}

/// How to start it.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    pub flags: Vec<String>,
    /// A bound on open descriptors; `None` leaves the machine's.
    pub descriptors_max: Option<u32>,
    /// Watches this cluster in place of the directory.
    pub cluster: Option<Cluster>,
    /// Waits for the listeners alone, not for a first generation.
    pub unready: bool,
}

/// The cluster that it watches.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub kubeconfig: PathBuf,
    /// The namespace of the pod that it would run in.
    pub namespace: String,
}

impl Ingress {
    /// Starts on what is in `manifests`, and waits for its listeners and its first generation.
    ///
    /// # Errors
    /// When it ends or stays silent instead, with what it said.
    pub async fn start(manifests: Manifests, launch: &Launch, pulse: &Pulse) -> Result<Self> {
        let mut child = command(&manifests.path(), launch)?.spawn().context("the binary does not start")?;
        let journal = Arc::new(Mutex::new(Journal::default()));
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            follow(stdout, &journal, pulse, |journal, value| journal.records.push(value));
            follow(stderr, &journal, pulse, |journal, value| journal.events.push(value));
        }
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut ingress =
            Self { child, manifests, http: nowhere, https: nowhere, admin: nowhere, journal, pulse: pulse.clone() };
        ingress.await_readiness(launch.unready).await?;
        Ok(ingress)
    }

    /// Kills it and starts it again on the same directory or cluster.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub async fn restart(&mut self, launch: &Launch) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        let folder = TempDir::with_prefix("cardea-test-")?;
        let manifests = std::mem::replace(&mut self.manifests, Manifests { folder });
        *self = Self::start(manifests, launch, &self.pulse.clone()).await?;
        Ok(())
    }

    async fn await_readiness(&mut self, unready: bool) -> Result<()> {
        self.http = self.listener("http").await?;
        self.https = self.listener("https").await?;
        self.admin = self.listener("admin").await?;
        let start = Mark { events: 0, records: 0 };
        if !unready {
            self.first_generation(start).await?;
        }
        Ok(())
    }

    /// Waits longer than for other events: a large module takes a debug build its time to compile.
    async fn first_generation(&self, start: Mark) -> Result<Value> {
        let generation = serde_json::json!({"event": "generation"});
        for _ in 1..6 {
            if let Ok(event) = self.event(start, &generation).await {
                return Ok(event);
            }
        }
        self.event(start, &generation).await
    }

    /// Where a listener is; it may be one that only some flags start.
    pub async fn listener(&self, name: &str) -> Result<SocketAddr> {
        let start = Mark { events: 0, records: 0 };
        let event = self.event(start, &serde_json::json!({"event": "listening", "listener": name})).await?;
        let address = event.get("address").and_then(Value::as_str).context("a listening event without address")?;
        let mut address: SocketAddr = address.parse()?;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Ok(address)
    }

    pub fn mark(&self) -> Mark {
        let journal = lock(&self.journal);
        Mark { events: journal.events.len(), records: journal.records.len() }
    }

    /// The first event after `mark` that matches, now or soon.
    pub async fn event(&self, mark: Mark, wanted: &Value) -> Result<Value> {
        self.find("event", wanted, |journal| journal.events.get(mark.events..).unwrap_or_default()).await
    }

    /// The first access record after `mark` that matches, now or soon.
    pub async fn record(&self, mark: Mark, wanted: &Value) -> Result<Value> {
        self.find("record", wanted, |journal| journal.records.get(mark.records..).unwrap_or_default()).await
    }

    async fn find(&self, what: &str, wanted: &Value, lines: impl Fn(&Journal) -> &[Value]) -> Result<Value> {
        self.pulse
            .until(|| {
                let journal = lock(&self.journal);
                let lines = lines(&journal);
                let found = lines.iter().find(|line| pattern::matches(wanted, Some(line)).is_ok());
                match found {
                    Some(line) => Ok(Ok(line.clone())),
                    // Nothing more will come.
                    None if journal.ended == 2 => Ok(Err(missing(what, wanted, lines, &journal))),
                    None => Err(missing(what, wanted, lines, &journal)),
                }
            })
            .await?
    }

    /// Every access record after `mark`.
    pub fn records(&self, mark: Mark) -> Vec<Value> {
        lock(&self.journal).records.get(mark.records..).unwrap_or_default().to_vec()
    }

    /// Every event after `mark`.
    pub fn events(&self, mark: Mark) -> Vec<Value> {
        lock(&self.journal).events.get(mark.events..).unwrap_or_default().to_vec()
    }

    /// Replaces a file, and waits until a generation with it is live.
    pub async fn apply(&self, file: &str, content: &[u8]) -> Result<Value> {
        let mark = self.mark();
        self.manifests.write(file, content)?;
        self.event(mark, &serde_json::json!({"event": "generation"})).await.with_context(|| format!("apply {file}"))
    }

    /// Removes a file, and waits until a generation without it is live.
    pub async fn delete(&self, file: &str) -> Result<Value> {
        let mark = self.mark();
        self.manifests.delete(file)?;
        self.event(mark, &serde_json::json!({"event": "generation"})).await.with_context(|| format!("delete {file}"))
    }

    /// Fails when it does not say that it is ready.
    pub async fn ready(&self) -> Result<()> {
        self.admin_page("/readyz").await.map(drop)
    }

    /// `/debug/config`.
    pub async fn config(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&self.admin_page("/debug/config").await?)?)
    }

    /// `/metrics`.
    pub async fn metrics(&self) -> Result<String> {
        Ok(String::from_utf8(self.admin_page("/metrics").await?)?)
    }

    async fn admin_page(&self, path: &str) -> Result<Vec<u8>> {
        within(path, async {
            let mut wire = Wire::new(TcpStream::connect(self.admin).await?);
            wire.write(format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n").as_bytes()).await?;
            let reply = http1::reply(&mut wire, "GET").await?;
            ensure!(reply.status == 200, "{path} is answered {}", reply.status);
            Ok(reply.body.bytes)
        })
        .await
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends `TERM` or `INT`, by pid.
    pub fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status()?;
        ensure!(status.success(), "kill -{name} {}: {status}", self.pid());
        Ok(())
    }

    /// Waits for the end of the process; its exit code.
    pub async fn exit(&mut self) -> Result<i32> {
        self.pulse
            .until(|| if lock(&self.journal).ended == 2 { Ok(()) } else { Err(anyhow!("the process has not ended")) })
            .await?;
        self.child.wait()?.code().context("ended by a signal")
    }

    /// From now on nobody reads what it says, and its outputs stay open: see [`Self::exit_unread`].
    pub fn leave_unread(&self) {
        lock(&self.journal).unread = true;
    }

    /// Waits for the end of a process that nobody reads; its exit code.
    pub async fn exit_unread(&mut self) -> Result<i32> {
        within("the end of the process", async {
            loop {
                if let Some(status) = self.child.try_wait()? {
                    return status.code().context("ended by a signal");
                }
                self.pulse.soon().await;
            }
        })
        .await
    }

    /// Looks at it again and again, without its events.
    pub async fn eventually(&self, what: &str, holds: impl AsyncFn(&Self) -> Result<bool>) -> Result<()> {
        within(what, async {
            while !holds(self).await? {
                self.pulse.soon().await;
            }
            Ok(())
        })
        .await
    }

    /// CPU time used so far, in clock ticks of 10 ms (proc(5), utime and stime).
    pub fn cpu_ticks(&self) -> Result<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
        let after_name = stat.rsplit_once(") ").context("proc stat")?.1;
        let mut fields = after_name.split(' ').skip(11);
        let mut next = || fields.next().and_then(|ticks| ticks.parse::<u64>().ok()).context("proc stat");
        Ok(next()? + next()?)
    }
}

impl Drop for Ingress {
    fn drop(&mut self) {
        // It may have ended by itself: then both calls say so, and nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(manifests: &Path, launch: &Launch) -> Result<Command> {
    let binary = binary()?;
    let mut command = match launch.descriptors_max {
        None => Command::new(binary),
        Some(bound) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("ulimit -n {bound}; exec \"$0\" \"$@\"")]).arg(binary);
            shell
        }
    };
    command.arg("serve");
    match &launch.cluster {
        None => command.arg("--manifests").arg(manifests),
        Some(Cluster { kubeconfig, namespace }) => {
            command.arg("--kubernetes").arg("--kubeconfig").arg(kubeconfig).env("CARDEA_POD_NAMESPACE", namespace)
        }
    };
    let local = "127.0.0.1:0";
    for (flag, value) in [("--http", local), ("--https", local), ("--admin", local), ("--workers", "1")] {
        if !launch.flags.iter().any(|given| given == flag) {
            command.args([flag, value]);
        }
    }
    command.args(&launch.flags);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// `CARDEA_BIN`, or the binary of the same profile as this test.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CARDEA_BIN") {
        return Ok(path.into());
    }
    let test = std::env::current_exe()?;
    let found = test.ancestors().skip(1).take(3).map(|folder| folder.join("cardea")).find(|path| path.is_file());
    found.context("no `cardea` beside the tests: build it with `cargo build -p cardea`, or set CARDEA_BIN")
}

fn follow(
    output: impl Read + Send + 'static,
    journal: &Arc<Mutex<Journal>>,
    pulse: &Pulse,
    keep: fn(&mut Journal, Value),
) {
    let (journal, pulse) = (Arc::clone(journal), pulse.clone());
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut journal = lock(&journal);
            match serde_json::from_str(&line) {
                Ok(value) => keep(&mut journal, value),
                Err(_) => journal.noise.push(line),
            }
            let unread = journal.unread;
            drop(journal);
            pulse.beat();
            if unread {
                loop {
                    std::thread::park();
                }
            }
        }
        lock(&journal).ended += 1;
        pulse.beat();
    });
}

fn missing(what: &str, wanted: &Value, lines: &[Value], journal: &Journal) -> anyhow::Error {
    let lines: String = lines.iter().rev().take(8).map(|line| format!("\n  {line}")).collect();
    let noise: String = journal.noise.iter().rev().take(5).map(|line| format!("\n  {line}")).collect();
    let ended = if journal.ended == 2 { " (the process has ended)" } else { "" };
    anyhow!("no {what} {wanted}{ended}; newest first:{lines}{noise}")
}

fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fails when the process is gone.
pub fn alive(ingress: &mut Ingress) -> Result<()> {
    match ingress.child.try_wait()? {
        None => Ok(()),
        Some(status) => bail!("the ingress ended: {status}; it said {:?}", lock(&ingress.journal).noise),
    }
}
