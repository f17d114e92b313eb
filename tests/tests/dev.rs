//! `cardea policy dev` as an author meets it: a new project, an edit that changes what is decided, one that does not build, one
//! that traps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use cardea_tests::client::{self, Connection, Dial, Request, http1};
use cardea_tests::ingress::binary;

/// A policy is compiled, at first with all that it depends on.
const BOUND: Duration = Duration::from_secs(600);

struct Dev {
    folder: PathBuf,
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Dev {
    /// On a new project, always in one place, so that cargo finds again what it has compiled.
    fn start() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dev/door");
        if folder.exists() {
            let made = ["src", "Cargo.toml", "policy.yaml", "scenarios.yaml", "README.md", ".gitignore", ".cardea"];
            for name in made.map(|name| folder.join(name)) {
                let _ = if name.is_dir() { std::fs::remove_dir_all(&name) } else { std::fs::remove_file(&name) };
            }
            // What cargo made stays, and goes back when the project is there.
            std::fs::rename(&folder, folder.with_extension("made")).unwrap();
        }
        let cardea = std::path::absolute(binary().unwrap()).unwrap();
        let made = Command::new(&cardea).args(["policy", "new", "door", "--dir"]).arg(&folder).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let _ = std::fs::rename(folder.with_extension("made").join("target"), folder.join("target"));
        let _ = std::fs::remove_dir_all(folder.with_extension("made"));
        let mut command = Command::new(&cardea);
        command.args(["policy", "dev"]).arg(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        Self { folder, child, lines, said: Vec::new() }
    }

    /// The next line that has this text.
    fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + BOUND;
        loop {
            let line = match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{text}: not within {BOUND:?}; it said:\n{}", self.said.join("\n"))
                }
                Err(RecvTimeoutError::Disconnected) => panic!("{text}: it ended; it said:\n{}", self.said.join("\n")),
            };
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.folder.join("src/lib.rs");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "no {from:?} in {text}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

async fn get(http: SocketAddr, field: Option<&str>) -> u16 {
    let fields = field.map(|value| ("x-pass".to_owned(), value.to_owned())).into_iter().collect();
    let request = Request { fields, ..Request::get("shop.test", "/cart") };
    let Connection::Http1(mut wire) = client::open(http, &Dial::default()).await.unwrap().connection else { panic!() };
    wire.write(&http1::encode(&request)).await.unwrap();
    http1::reply(&mut wire, "GET").await.unwrap().status
}

#[tokio::test]
async fn an_edit_shows_its_new_decision_and_a_trap_its_line() {
    let mut dev = Dev::start();
    let ready = dev.until("http://");
    let http: SocketAddr = ready.split("http://").nth(1).unwrap().trim_end_matches('/').parse().unwrap();
    assert_eq!(get(http, Some("friend")).await, 200);
    dev.until("GET shop.test/cart -> next");
    dev.until("read   header:x-pass = \"friend\"");
    assert_eq!(get(http, None).await, 403);
    dev.until("GET shop.test/cart -> deny door");
    dev.until("read   header:x-pass, which is absent");

    dev.edit("deny(403,", "deny(418,");
    dev.until("live     version 2");
    assert_eq!(get(http, None).await, 418);
    dev.until("; 418 in");

    dev.edit("deny(418,", "deny(418");
    dev.until("not live: the last good version serves on");
    assert_eq!(get(http, None).await, 418);
    dev.until("; 418 in");

    dev.edit("Outcome::deny(418 ", "Outcome::deny(418, ");
    dev.edit(
        "let found = request.header(&self.config.header);",
        "let found = request.header(&self.config.header); trip(&found);",
    );
    dev.edit("cardea_policy_sdk::export!", "#[inline(never)]\nfn trip<T>(found: &Option<T>) {\n    if found.is_none() {\n        panic!();\n    }\n}\n\ncardea_policy_sdk::export!");
    dev.until("live     version 3");
    assert_eq!(get(http, None).await, 503);
    dev.until("FAILED policy_trap");
    dev.until("trip");
    let line = dev.until("on_request");
    assert!(line.contains("(src/lib.rs:"), "{line}");
}
