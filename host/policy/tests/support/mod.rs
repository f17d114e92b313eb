//! A worker in a test: an engine, its state, instances, and chains of hand-written guests.

#![allow(dead_code, reason = "each suite uses its part")]

pub mod guest;
pub mod reference;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cardea_model::config::{self, FailureMode, Grants, Isolation, Limits, ModuleSource};
use cardea_model::problem::Origin;
use cardea_policy::{
    Chain, Engine, EngineOptions, Exchange, Failure, Instances, LoadError, LogSink, Member, Policy, Random, Run,
    Sources, State, Step, Summary,
};

pub use guest::Guest;

/// Of an exchange that went well.
pub const SUMMARY: Summary = Summary {
    status: 200,
    duration_us: 1,
    upstream_us: 1,
    bytes_in: 0,
    bytes_out: 0,
    backend: None,
    retries: 0,
    error: None,
};

/// A Policy object around a module.
pub fn spec(name: &str, module: &[u8]) -> config::Policy {
    config::Policy {
        origin: Origin {
            source: Arc::from("test.yaml"),
            document: 1,
            kind: "Policy",
            namespace: Arc::from("test"),
            name: Arc::from(name),
        },
        module: ModuleSource::Bytes { path: Arc::from("test.wasm"), bytes: Arc::from(module) },
        generation: 0,
        digest: None,
        config: Arc::from("null"),
        grants: Grants {
            interfaces: ["log", "metrics", "clock", "random", "kv-local", "counters"].map(String::from).to_vec(),
            headers: Vec::new(),
            upstreams: Vec::new(),
        },
        limits: Limits { deadline: Duration::from_millis(20), ..Limits::default() },
        failure_mode: FailureMode::Deny,
        isolation: Isolation::Pooled,
        proxy_wasm: None,
    }
}

pub type Lines = Arc<Mutex<Vec<String>>>;

pub struct Worker {
    pub engine: Engine,
    pub state: Arc<State>,
    pub instances: Instances,
    pub lines: Lines,
    /// Backends that routes declare.
    pub backends: Vec<&'static str>,
}

impl Default for Worker {
    fn default() -> Self {
        Self::new(Sources { random: Random::Seeded(7), ..Sources::default() })
    }
}

impl Worker {
    /// The log of `sources` is replaced by `lines`.
    pub fn new(sources: Sources) -> Self {
        Self::start(sources, false)
    }

    /// One that counts what is copied.
    pub fn measuring() -> Self {
        Self::start(Sources { random: Random::Seeded(7), ..Sources::default() }, true)
    }

    fn start(sources: Sources, measures: bool) -> Self {
        let lines = Lines::default();
        let written = Arc::clone(&lines);
        let log = LogSink::new(cardea_policy::LogLevel::Debug, move |line| {
            written.lock().unwrap().push(format!("{} {} {}", line.policy, line.level.as_str(), line.message));
        });
        let sources = Sources { log, ..sources };
        let options = EngineOptions { instances_max: 16, sources, measures, ..EngineOptions::default() };
        let engine = Engine::new(options).unwrap();
        let instances = Instances::new(&engine);
        Self { engine, state: Arc::default(), instances, lines, backends: vec!["canary", "stable"] }
    }

    pub fn try_load(&self, spec: config::Policy) -> Result<Arc<Policy>, LoadError> {
        self.engine.load(&Arc::new(spec), &self.state, None)
    }

    pub fn load(&self, name: &str, guest: &Guest) -> Arc<Policy> {
        self.try_load(spec(name, &guest.build())).unwrap()
    }

    pub fn request(&mut self, policy: &Arc<Policy>, exchange: &mut Box<Exchange>) -> (Run, Step) {
        self.chain(&chain(std::slice::from_ref(policy)), exchange)
    }

    pub fn chain(&mut self, chain: &Arc<Chain>, exchange: &mut Box<Exchange>) -> (Run, Step) {
        let mut run = Run::new(Arc::clone(chain));
        let backends = self.backends.clone();
        let step = run.on_request(&mut self.instances, exchange, &|name| backends.contains(&name));
        (run, step)
    }

    /// The failure of one request through a policy.
    pub fn failure(&mut self, policy: &Arc<Policy>) -> Failure {
        match self.request(policy, &mut exchange()).1 {
            Step::Fail(_, failure) => failure,
            other => panic!("no failure: {other:?}"),
        }
    }

    /// One request through a policy, which must go on to the backend.
    pub fn forward(&mut self, policy: &Arc<Policy>, exchange: &mut Box<Exchange>) -> Run {
        match self.request(policy, exchange) {
            (run, Step::Forward) => run,
            (_, other) => panic!("not forwarded: {other:?}"),
        }
    }

    pub fn snapshot(&self, name: &str) -> cardea_policy::PolicySnapshot {
        self.state.stats().into_iter().find(|snapshot| *snapshot.name == *name).unwrap()
    }
}

pub fn chain(policies: &[Arc<Policy>]) -> Arc<Chain> {
    let member = |policy: &Arc<Policy>| Member {
        name: Arc::clone(&policy.name),
        spec: Arc::clone(&policy.spec),
        loaded: Some(Arc::clone(policy)),
    };
    Arc::new(Chain { members: policies.iter().map(member).collect() })
}

/// GET /cart?user=a%20b&x=1 on shop.test, with a few headers.
pub fn exchange() -> Box<Exchange> {
    let request = http::Request::builder()
        .uri("/cart?user=a%20b&x=1")
        .header("user-agent", "test/1")
        .header("accept", "*/*")
        .header("accept", "text/plain")
        .header("cookie", "a=1; session=abc; a=2");
    let request = request.body(()).unwrap().into_parts().0;
    let blank = Exchange::blank();
    Box::new(Exchange {
        request,
        authority: http::HeaderValue::from_static("shop.test"),
        route: Arc::from("test/shop"),
        ..blank
    })
}
