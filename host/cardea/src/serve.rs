//! `cardea serve`: what starts, in which order, and how it stops.

use std::convert::Infallible;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, anyhow};
use cardea_control::admission::{Scope, Writer};
use cardea_control::file::Change;
use cardea_policy::{Engine, EngineOptions, Instances, LogLevel, LogSink, Sources, State};
use cardea_proxy::listen::{self, Listener};
use cardea_proxy::live::Live;
use cardea_proxy::metrics::Metrics;
use cardea_proxy::tls::Tls;
use cardea_proxy::upstream::registry::Registry;
use cardea_proxy::warming::Warming;
use cardea_proxy::worker::{self, Shared, Standing};
use serde_json::json;
use tokio::sync::watch;

use crate::admin::{self, Admin};
use crate::admission::{self, Certificate, Webhook};
use crate::control::Control;
use crate::event::{Level, emit};
use crate::reload::{Reloader, View};
use crate::report;
use crate::settings::Checked;
use crate::shutdown::Signals;
use crate::source::{Source, Stopper};

pub fn run(settings: Checked) -> anyhow::Result<ExitCode> {
    // First, since a container's first process gets no signal that it does not listen for.
    let mut signals = Signals::listen()?;
    let control = Control::start()?;
    let source = Source::open(settings.origin.clone(), settings.fetch.clone(), control.handle())?;
    let engine = engine(&settings)?;
    let (log, log_writer) = access_log(settings.proxy.access_log)?;
    let shared = Arc::new(shared(&settings, log)?);
    let (state, view) = (Arc::new(State::default()), Arc::new(View::default()));
    let sockets = Sockets::bind(&settings)?;
    let (webhook, index) = webhook(&settings, sockets.webhook, &source, &control)?;

    let admin = Admin {
        shared: Arc::clone(&shared),
        state: Arc::clone(&state),
        view: Arc::clone(&view),
        source: source.health(),
        admission: webhook.as_ref().map(|webhook| Arc::clone(&webhook.counters)),
    };
    let admin = admin::spawn(admin, sockets.admin)?;
    let workers = workers(&shared, &engine, sockets.http, sockets.https)?;
    let stopper = source.stopper();
    let controller = Arc::clone(&settings.compile.controller);
    let reloader = Reloader::new(settings.compile, settings.module_tests, engine, state, Arc::clone(&shared), view);
    let reports = |namespace: &str| settings.report.options(&controller, namespace);
    let reporter = report::start(&source, &reloader.applied, reports, control.handle());
    let watching = watch_source(source, reloader, index)?;

    signals.wait();
    // Another replica goes on at once, while this one still drains.
    let reported = reporter.map(|reporter| control.handle().spawn(reporter.stop()));
    leave(&shared, &mut signals, settings.drain_delay);
    signals.exit_at_next()?;
    emit(Level::Info, "draining", json!({}));
    stop(&shared, &stopper, watching, workers)?;
    report::finish(reported, control.handle());
    if let Some(webhook) = webhook {
        webhook.stop();
    }
    control.stop();
    drop(shared);
    admin.stop();
    drop(log_writer);
    emit(Level::Info, "stopped", json!({}));
    Ok(ExitCode::SUCCESS)
}

fn engine(settings: &Checked) -> anyhow::Result<Engine> {
    let log = LogSink::new(LogLevel::Info, |line| {
        let level = if line.level >= LogLevel::Warn { Level::Warn } else { Level::Info };
        emit(
            level,
            "policy_log",
            json!({ "policy": line.policy, "severity": line.level.as_str(), "message": line.message, "request_id": line.request_id }),
        );
    });
    let options = EngineOptions {
        cache: settings.module_cache.clone(),
        instances_max: settings.policy_instances_max,
        explain: settings.explain,
        sources: Sources { log, ..Sources::default() },
        ..EngineOptions::default()
    };
    Ok(Engine::new(options)?)
}

fn shared(settings: &Checked, access_log: Option<mpsc::SyncSender<Vec<u8>>>) -> anyhow::Result<Shared> {
    Ok(Shared {
        settings: settings.proxy.clone(),
        live: Live::default(),
        registry: Registry::default(),
        metrics: Metrics::new(settings.workers),
        tls: Tls::new().context("TLS cannot be set up")?,
        access_log,
        standing: watch::Sender::new(Standing::Serving),
        warming: Warming::default(),
    })
}

/// Everything that listens, bound before anything serves, so that a taken port stops the start.
struct Sockets {
    http: Vec<Listener>,
    https: Vec<Listener>,
    admin: TcpListener,
    webhook: Option<TcpListener>,
}

impl Sockets {
    fn bind(settings: &Checked) -> anyhow::Result<Self> {
        let on = |flag: &'static str, address: SocketAddr| move || format!("{flag} {address} cannot be listened on");
        let (http_at, http) =
            listen::bind(settings.http, settings.workers, false).with_context(on("--http", settings.http))?;
        let (https_at, https) =
            listen::bind(settings.https, settings.workers, true).with_context(on("--https", settings.https))?;
        let admin = TcpListener::bind(settings.admin).with_context(on("--admin", settings.admin))?;
        admin.set_nonblocking(true)?;
        for (listener, address) in [("http", http_at), ("https", https_at), ("admin", admin.local_addr()?)] {
            emit(Level::Info, "listening", json!({ "listener": listener, "address": address.to_string() }));
        }
        let webhook = settings.webhook.as_ref().map(|webhook| bind_webhook(webhook.address)).transpose()?;
        Ok(Self { http, https, admin, webhook })
    }
}

/// The thread that writes access lines; it ends when every sender is gone. Dropping the handle waits for it, but not for a
/// reader of stdout that is stuck.
struct LogWriter(Option<mpsc::Receiver<Infallible>>);

impl Drop for LogWriter {
    fn drop(&mut self) {
        if let Some(ended) = self.0.take() {
            // Nothing is ever sent: either it has ended, or it is late.
            let _ = ended.recv_timeout(LAST_LINES);
        }
    }
}

/// How long the end of the process waits for whoever reads access lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Chunks of lines that may wait for stdout before lines are dropped.
const CHUNKS_WAITING_MAX: usize = 256;

fn access_log(on: bool) -> anyhow::Result<(Option<mpsc::SyncSender<Vec<u8>>>, LogWriter)> {
    if !on {
        return Ok((None, LogWriter(None)));
    }
    let (sender, receiver) = mpsc::sync_channel::<Vec<u8>>(CHUNKS_WAITING_MAX);
    let (ending, ended) = mpsc::channel();
    let write = move || {
        let _ending = ending;
        let mut out = std::io::stdout().lock();
        for chunk in receiver {
            // A reader that is gone is no reason to stop serving.
            let _ = out.write_all(&chunk).and_then(|()| out.flush());
        }
    };
    thread::Builder::new().name("access-log".into()).spawn(write)?;
    Ok((Some(sender), LogWriter(Some(ended))))
}

fn workers(
    shared: &Arc<Shared>,
    engine: &Engine,
    http: Vec<Listener>,
    https: Vec<Listener>,
) -> anyhow::Result<Vec<JoinHandle<std::io::Result<()>>>> {
    let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
    let start = |(id, (http, https))| {
        let (shared, engine) = (Arc::clone(shared), engine.clone());
        let seed = seed.wrapping_mul(2 * id as u64 + 1);
        thread::Builder::new()
            .name(format!("worker-{id}"))
            .spawn(move || worker::run(id, shared, vec![http, https], Instances::new(&engine), seed))
    };
    http.into_iter().zip(https).enumerate().map(start).collect::<Result<_, _>>().context("a worker cannot start")
}

fn bind_webhook(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| format!("--webhook {address} cannot be listened on"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();
    emit(Level::Info, "listening", json!({ "listener": "webhook", "address": address }));
    Ok(listener)
}

/// The webhook, and the index that it looks at, for the source's thread to keep up.
fn webhook(
    settings: &Checked,
    listener: Option<TcpListener>,
    source: &Source,
    control: &Control,
) -> anyhow::Result<(Option<Webhook>, Option<Writer>)> {
    let (Some(wanted), Some(listener)) = (&settings.webhook, listener) else { return Ok((None, None)) };
    let scope = if matches!(source, Source::Cluster(_)) { Scope::NamedSecrets } else { Scope::Everything };
    let index = Writer::new(settings.compile.clone(), scope);
    let webhook = Webhook::start(listener, wanted, index.reader())?;
    if let (Source::Cluster(source), Certificate::Kept(place)) = (source, &wanted.certificate) {
        admission::keep(Arc::clone(&webhook.identity), source, place.clone(), control.handle());
    }
    Ok((Some(webhook), Some(index)))
}

/// Loads the source and follows its changes, on a thread of its own.
fn watch_source(
    mut source: Source,
    mut reloader: Reloader,
    mut index: Option<Writer>,
) -> anyhow::Result<JoinHandle<()>> {
    let follow = move || {
        let mut change = source.begin();
        while change == Change::Changed {
            let (config, problems) = source.load();
            if let Some(index) = &mut index {
                index.update(&config);
            }
            reloader.apply(config, problems);
            change = source.wait();
        }
    };
    Ok(thread::Builder::new().name("source".into()).spawn(follow)?)
}

/// Says that it is not ready, and serves on while load balancers learn of it; a signal more cuts that short.
fn leave(shared: &Shared, signals: &mut Signals, delay: Duration) {
    if delay.is_zero() {
        return;
    }
    shared.standing.send_replace(Standing::Leaving);
    emit(Level::Info, "leaving", json!({ "delay_ms": u64::try_from(delay.as_millis()).unwrap_or(u64::MAX) }));
    signals.wait_at_most(delay);
}

fn stop(
    shared: &Shared,
    stopper: &Stopper,
    watching: JoinHandle<()>,
    workers: Vec<JoinHandle<std::io::Result<()>>>,
) -> anyhow::Result<()> {
    shared.standing.send_replace(Standing::Draining);
    stopper.stop();
    let joined = |name: &'static str| move |_| anyhow!("the {name} thread panicked");
    watching.join().map_err(joined("source"))?;
    for worker in workers {
        worker.join().map_err(joined("worker"))??;
    }
    Ok(())
}
