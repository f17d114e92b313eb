//! The quickstart does what it promises: `tools/quickstart` on a copy of the example, whose manifest and whose policy are
//! then edited; the answers change, and the process stays the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use cardea_tests::client::{self, Connection, Dial, Reply, Request, http1};
use cardea_tests::guest;
use cardea_tests::ingress::binary;
use cardea_tests::wire::values;
use serde_json::Value;

/// Policies are compiled, at first with all that they depend on.
const BOUND: Duration = Duration::from_secs(600);
/// The demo backends' ports, which are others here.
const PORTS: [&str; 3] = ["7001", "7002", "7003"];

/// The example where it may be edited: the same tree, most of it by links. Always in one place, so that cargo finds again
/// what it has compiled.
fn copy() -> PathBuf {
    let (root, copy) = (guest::root(), Path::new(env!("CARGO_TARGET_TMPDIR")).join("quickstart"));
    if copy.exists() {
        std::fs::remove_dir_all(&copy).unwrap();
    }
    std::fs::create_dir_all(&copy).unwrap();
    for linked in ["guest-sdk", "policies", "wit"] {
        std::os::unix::fs::symlink(root.join(linked), copy.join(linked)).unwrap();
    }
    let free: Vec<_> = PORTS.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<_> = free.iter().map(|free| free.local_addr().unwrap().port().to_string()).collect();
    let example = "examples/quickstart";
    for file in [
        "manifests/policies.yaml",
        "manifests/services.yaml",
        "manifests/shop.yaml",
        "greeting/Cargo.toml",
        "greeting/src/lib.rs",
    ] {
        copy_file(&root.join(example).join(file), &copy.join(example).join(file), &ports);
    }
    copy_file(&root.join("tools/quickstart"), &copy.join("tools/quickstart"), &ports);
    copy
}

fn copy_file(from: &Path, to: &Path, ports: &[String]) {
    let text = std::fs::read_to_string(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    let text = PORTS.iter().zip(ports).fold(text, |text, (known, port)| text.replace(known, port));
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::write(to, text).unwrap();
}

/// The running script, with what it says.
struct Quickstart {
    folder: PathBuf,
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Quickstart {
    fn start() -> Self {
        let folder = copy();
        let mut command = Command::new("bash");
        command.arg(folder.join("tools/quickstart"));
        command.env("CARDEA_BIN", std::path::absolute(binary().unwrap()).unwrap());
        command.envs(["HTTP", "HTTPS", "ADMIN"].map(|name| (name, "127.0.0.1:0")));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { folder, child, lines, said: Vec::new() }
    }

    /// The next event like this one, of those that the ingress says.
    fn event(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + BOUND;
        loop {
            let line = match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => panic!("not within {BOUND:?}; it said:\n{}", self.said.join("\n")),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended; it said:\n{}", self.said.join("\n")),
            };
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            self.said.push(line);
            if wanted(&event) {
                return event;
            }
        }
    }

    fn listener(&mut self, name: &str) -> SocketAddr {
        let event = self.event(|event| event["event"] == "listening" && event["listener"] == name);
        event["address"].as_str().unwrap().parse().unwrap()
    }

    /// The number of the next generation, which has no problems.
    fn generation(&mut self) -> u64 {
        let event = self.event(|event| event["event"] == "generation");
        assert_eq!(event["problems"], 0, "{event}");
        event["number"].as_u64().unwrap()
    }

    /// Edits a file of the example as an editor does.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.join("examples/quickstart").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    }

    /// What the quickstart tells the reader to run after an edit of the code.
    fn rebuild(&self) {
        let built = Command::new(std::path::absolute(binary().unwrap()).unwrap())
            .args(["policy", "build", "--out", "examples/quickstart/modules", "examples/quickstart/greeting"])
            .current_dir(&self.folder)
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
}

impl Drop for Quickstart {
    fn drop(&mut self) {
        // The script ends what it started when it is told to end; if it is gone already, so are they.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

async fn get(http: SocketAddr, host: &str, path: &str, field: Option<(&str, &str)>) -> Reply {
    let request = Request {
        fields: field.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..Request::get(host, path)
    };
    let Connection::Http1(mut wire) = client::open(http, &Dial::default()).await.unwrap().connection else { panic!() };
    wire.write(&http1::encode(&request)).await.unwrap();
    http1::reply(&mut wire, "GET").await.unwrap()
}

async fn greeting(http: SocketAddr) -> String {
    let reply = get(http, "shop.localhost", "/cart", None).await;
    assert_eq!(reply.status, 200);
    values(&reply.fields, "x-greeting").next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn edits_of_a_manifest_and_of_a_policy_change_answers_without_a_restart() {
    let mut quickstart = Quickstart::start();
    let http = quickstart.listener("http");
    let first = quickstart.generation();
    assert_eq!(greeting(http).await, "welcome");
    let canary = get(http, "shop.localhost", "/cart", Some(("x-canary", "always"))).await;
    let seen: Value = serde_json::from_slice(&canary.body.bytes).unwrap();
    assert_eq!(seen["backend"], "shop-canary", "{seen}");
    assert_eq!(get(http, "shop.localhost", "/private", None).await.status, 403);
    assert_eq!(get(http, "office.localhost", "/", None).await.status, 401);
    let alice = Some(("authorization", "Basic YWxpY2U6b3BlbiBzZXNhbWU="));
    assert_eq!(get(http, "office.localhost", "/", alice).await.status, 200);

    quickstart.edit("manifests/policies.yaml", "\"welcome\"", "\"good morning\"");
    let second = quickstart.generation();
    assert!(second > first);
    assert_eq!(greeting(http).await, "good morning");

    quickstart.edit("greeting/src/lib.rs", "\"/private\"", "\"/secret\"");
    quickstart.rebuild();
    assert!(quickstart.generation() > second);
    assert_eq!(get(http, "shop.localhost", "/secret", None).await.status, 403);
    assert_eq!(get(http, "shop.localhost", "/private", None).await.status, 200);
    assert_eq!(greeting(http).await, "good morning");
    assert!(quickstart.child.try_wait().unwrap().is_none(), "the same process served all of it");
}
