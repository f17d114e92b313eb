//! A scripted API server: what it answers for each resource, in order, and what it was asked.

#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::super::options::{Notice, Options};
use super::super::source::ClusterSource;
use crate::file::Change;
use cardea_model::config::Config;
use cardea_model::problem::Problem;

pub enum Answer {
    Status(u16, Value),
    Page(Value),
    /// Events of a watch, which then stays open.
    Watch(Vec<Value>),
    /// Events of a watch, which then ends.
    WatchToEnd(Vec<Value>),
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, VecDeque<Answer>>,
    asked: Vec<String>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<Script>,
    was_asked: Condvar,
}

/// The longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    shared: Arc<Shared>,
    folder: tempfile::TempDir,
    address: String,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared::default());
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, stream) = (Arc::clone(&server), stream.unwrap());
                std::thread::spawn(move || server.serve(stream));
            }
        });
        Self { shared, folder: tempfile::tempdir().unwrap(), address }
    }

    /// What the next request for the resource is answered with, after those that were said before.
    pub fn then(&self, resource: &str, answer: Answer) -> &Self {
        self.shared.script.lock().unwrap().answers.entry(resource.to_owned()).or_default().push_back(answer);
        self
    }

    /// The requests for the resource, as soon as there are so many.
    pub fn asked(&self, resource: &str, count: usize) -> Vec<String> {
        let of = |script: &Script| -> Vec<String> {
            script.asked.iter().filter(|path| resource_of(path) == resource).cloned().collect()
        };
        let script = self.shared.script.lock().unwrap();
        let enough = |script: &mut Script| of(script).len() < count;
        let (script, _) = self.shared.was_asked.wait_timeout_while(script, PATIENCE, enough).unwrap();
        let asked = of(&script);
        assert!(asked.len() >= count, "{asked:?}");
        asked
    }

    pub fn kubeconfig(&self) -> PathBuf {
        let path = self.folder.path().join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{ "name": "c", "cluster": { "server": format!("http://{}", self.address) } }],
            "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
            "users": [{ "name": "u", "user": { "token": "t" } }],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut header = String::new();
        while reader.read_line(&mut header).unwrap_or(0) > 2 {
            header.clear();
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let answer = self.answer(&path);
        answer.send(stream, reader);
    }

    fn answer(&self, path: &str) -> Answer {
        let mut script = self.script.lock().unwrap();
        script.asked.push(path.to_owned());
        self.was_asked.notify_all();
        let said = script.answers.get_mut(resource_of(path)).and_then(VecDeque::pop_front);
        said.unwrap_or_else(|| match path {
            _ if path.starts_with("/version") => Answer::Page(json!({})),
            _ if path.contains("sendInitialEvents=true") => Answer::Watch(vec![end(1)]),
            _ if path.contains("watch=true") => Answer::Watch(Vec::new()),
            _ => Answer::Page(page(&[], 1, "")),
        })
    }
}

impl Answer {
    fn send(self, mut stream: TcpStream, mut reader: BufReader<TcpStream>) {
        let (code, body, stays) = match self {
            Self::Status(code, body) => (code, body.to_string(), false),
            Self::Page(body) => (200, body.to_string(), false),
            Self::Watch(events) => (200, lines(&events), true),
            Self::WatchToEnd(events) => (200, lines(&events), false),
        };
        let head = format!("HTTP/1.1 {code} Said\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{body}");
        // A client that is gone has its reasons.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.flush());
        if stays {
            let _ = reader.read(&mut [0; 1]);
        }
    }
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

fn resource_of(path: &str) -> &str {
    path.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default()
}

pub fn page(items: &[Value], version: u32, next: &str) -> Value {
    let metadata = json!({ "resourceVersion": version.to_string(), "continue": next });
    json!({ "apiVersion": "v1", "kind": "List", "metadata": metadata, "items": items })
}

/// An event of a watch: of an object, at a version.
pub fn event(kind: &str, object: &Value, version: u32) -> Value {
    let mut object = object.clone();
    object["metadata"]["resourceVersion"] = json!(version.to_string());
    json!({ "type": kind, "object": object })
}

pub fn bookmark(version: u32) -> Value {
    let metadata = json!({ "resourceVersion": version.to_string() });
    json!({ "type": "BOOKMARK", "object": { "apiVersion": "v1", "kind": "X", "metadata": metadata } })
}

/// The bookmark at the end of a streamed list.
pub fn end(version: u32) -> Value {
    let mut bookmark = bookmark(version);
    bookmark["object"]["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
    bookmark
}

pub fn status(code: u16, message: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message })
}

/// A source that watches the server, and what it told.
pub struct Watching {
    pub source: ClusterSource,
    notices: Arc<(Mutex<Vec<Notice>>, Condvar)>,
    /// Its runtime ends with it.
    _stop: oneshot::Sender<()>,
}

impl Watching {
    pub fn of(server: &Server, options: Options) -> Self {
        let notices = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let heard = Arc::clone(&notices);
        let notice = Arc::new(move |notice| {
            heard.0.lock().unwrap().push(notice);
            heard.1.notify_all();
        });
        let options = Options { kubeconfig: Some(server.kubeconfig()), notice, ..options };
        let (handle, stop) = control();
        let source = ClusterSource::start(options, handle).unwrap();
        // A test that would wait for ever fails.
        let stopper = source.stopper();
        std::thread::spawn(move || {
            std::thread::park_timeout(PATIENCE);
            stopper.stop();
        });
        Self { source, notices, _stop: stop }
    }

    /// What is declared, as soon as it is as it should be; what is there in between must be `good`.
    pub fn until(&mut self, good: impl Fn(&Config) -> bool, done: impl Fn(&Config) -> bool) -> (Config, Vec<Problem>) {
        loop {
            assert_eq!(self.source.wait(), Change::Changed, "it never came");
            let (config, problems) = self.source.load();
            assert!(good(&config), "{config:?}");
            if done(&config) {
                return (config, problems);
            }
        }
    }

    pub fn told(&self, has: impl Fn(&Notice) -> bool) -> bool {
        self.notices.0.lock().unwrap().iter().any(has)
    }

    /// Waits for what it tells.
    pub fn until_told(&self, done: impl Fn(&[Notice]) -> bool) {
        let (notices, told) = &*self.notices;
        let waiting = notices.lock().unwrap();
        let (notices, _) = told.wait_timeout_while(waiting, PATIENCE, |notices| !done(notices)).unwrap();
        assert!(done(&notices), "{notices:?}");
    }
}

fn control() -> (Handle, oneshot::Sender<()>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = runtime.block_on(stopped);
    });
    (handle, stop)
}
