//! The ingress as a process of its own, that lives as long as this one and tells it what happens.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::Sender;

use super::News;
use super::site::Site;
use crate::author::mistake::Mistake;
use crate::settings::{Checked, Flags};

/// Of `cardea policy`: what the child is started with.
pub const COMMAND: &str = "dev-ingress";

pub struct Ingress(Child);

impl Ingress {
    pub fn start(site: &Site, http: SocketAddr, tell: Sender<News>) -> Result<Self, Mistake> {
        let cannot =
            |error: std::io::Error| Mistake::usage(format!("the ingress does not start: {error}"), "try again");
        let program = std::env::current_exe().map_err(cannot)?;
        let mut command = Command::new(program);
        command.args(["policy", COMMAND, "--https", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "1"]);
        command.args(["--http", &http.to_string()]).arg("--manifests").arg(site.manifests());
        command.arg("--module-cache").arg(site.cache());
        // What is set for another ingress is not meant for this one.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARDEA_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(cannot)?;
        if let Some(out) = child.stdout.take() {
            let tell = tell.clone();
            forward(out, move |line| tell.send(line.map_or(News::Gone, News::Access)).is_ok()).map_err(cannot)?;
        }
        if let Some(events) = child.stderr.take() {
            forward(events, move |line| line.is_none_or(|line| tell.send(News::Event(line)).is_ok()))
                .map_err(cannot)?;
        }
        Ok(Self(child))
    }
}

impl Drop for Ingress {
    fn drop(&mut self) {
        // The end of its standard input is its end, whatever ends this process.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Hands on each line, and `None` at the end.
fn forward(
    from: impl Read + Send + 'static,
    tell: impl Fn(Option<String>) -> bool + Send + 'static,
) -> std::io::Result<()> {
    let read = move || {
        let lines = BufReader::new(from).lines().map_while(Result::ok);
        if lines.map(Some).all(&tell) {
            tell(None);
        }
    };
    std::thread::Builder::new().name("ingress".into()).spawn(read).map(|_| ())
}

/// In the child: serves until its standard input ends.
pub fn serve(flags: &Flags) -> anyhow::Result<ExitCode> {
    let settings = Checked::from_flags(flags).map_err(anyhow::Error::msg)?;
    let settings = Checked { explain: true, ..settings };
    let watch = || {
        // Nothing is said to it: an error is an end too.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(0);
    };
    std::thread::Builder::new().name("parent".into()).spawn(watch)?;
    crate::serve::run(settings)
}
