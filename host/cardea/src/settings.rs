//! What the operator typed, and what the process needs: flags and environment, checked before anything starts.

mod cluster;
mod modules;
mod report;
pub mod webhook;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cardea_control::fetch;
use cardea_model::compile;
use cardea_model::units;
use cardea_proxy::settings::Settings;
use clap::{Args, ValueEnum};
use ipnet::IpNet;

use crate::scenario::vectors::ModuleTests;
use crate::source::Origin;

/// Durations are written as 500ms, 30s or 1m30s; sizes as 65536 or 64Ki.
#[derive(Debug, Args)]
pub struct Flags {
    /// Directory of Kubernetes manifests, watched: Ingress, IngressClass, Service, EndpointSlice, Secret, ConfigMap, Policy.
    #[arg(
        long,
        env = "CARDEA_MANIFESTS",
        value_name = "DIR",
        required_unless_present = "kubernetes",
        conflicts_with = "kubernetes"
    )]
    manifests: Option<PathBuf>,
    /// Address for HTTP/1.1 and HTTP/2 with prior knowledge; port 0 picks one.
    #[arg(long, env = "CARDEA_HTTP", value_name = "ADDR", default_value = "0.0.0.0:8080")]
    http: SocketAddr,
    /// Address for TLS, with the certificates of the Ingresses' Secrets.
    #[arg(long, env = "CARDEA_HTTPS", value_name = "ADDR", default_value = "0.0.0.0:8443")]
    https: SocketAddr,
    /// Address for health, metrics and the debug view. Keep it private.
    #[arg(long, env = "CARDEA_ADMIN", value_name = "ADDR", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
    /// Worker threads; by default one a core.
    #[arg(long, env = "CARDEA_WORKERS", value_name = "N")]
    workers: Option<usize>,
    /// Serve the IngressClasses whose spec.controller is this.
    #[arg(long, env = "CARDEA_CONTROLLER_NAME", value_name = "NAME", default_value = "cardea.dev/ingress")]
    controller_name: String,
    /// Serve Ingresses that name no class, although no class of ours is the default.
    #[arg(long, env = "CARDEA_WATCH_INGRESS_WITHOUT_CLASS")]
    watch_ingress_without_class: bool,
    /// Whether connections of both listeners begin with a PROXY protocol header, version 1 or 2.
    #[arg(long, env = "CARDEA_PROXY_PROTOCOL", value_name = "WHETHER", default_value = "off")]
    proxy_protocol: ProxyProtocol,
    /// Load balancers that send the header; without this every peer must. Other peers are served without one.
    #[arg(long, env = "CARDEA_PROXY_PROTOCOL_FROM", value_name = "CIDR,..", value_delimiter = ',')]
    proxy_protocol_from: Vec<IpNet>,
    /// Peers whose X-Forwarded-* fields are believed.
    #[arg(long, env = "CARDEA_TRUSTED_PROXIES", value_name = "CIDR,..", value_delimiter = ',')]
    trusted_proxies: Vec<IpNet>,
    /// Clients that get timings and decisions in the answer when they send `x-cardea-debug: 1`.
    #[arg(long, env = "CARDEA_DEBUG_CLIENTS", value_name = "CIDR,..", value_delimiter = ',')]
    debug_clients: Vec<IpNet>,
    /// Directory for compiled policies, owned by this user alone; without it each start compiles anew.
    #[arg(long, env = "CARDEA_MODULE_CACHE", value_name = "DIR")]
    module_cache: Option<PathBuf>,
    /// Most policy instances alive at once.
    #[arg(long, env = "CARDEA_POLICY_INSTANCES_MAX", value_name = "N", default_value_t = 256)]
    policy_instances_max: u32,
    /// Where access lines go: JSON on stdout, or nowhere.
    #[arg(long, env = "CARDEA_ACCESS_LOG", value_name = "FORM", default_value = "json")]
    access_log: AccessLog,
    #[command(flatten)]
    cluster: cluster::Flags,
    #[command(flatten)]
    report: report::Flags,
    #[command(flatten)]
    modules: modules::Flags,
    #[command(flatten)]
    webhook: webhook::Flags,
    #[command(flatten)]
    bounds: Bounds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProxyProtocol {
    Off,
    #[value(alias = "v1v2")]
    On,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AccessLog {
    Json,
    Off,
}

/// Bounds of the data plane.
#[derive(Debug, Args)]
#[command(next_help_heading = "Bounds")]
struct Bounds {
    /// From the first byte of a request to the end of its head.
    #[arg(long, env = "CARDEA_HEADER_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    header_timeout: Duration,
    /// Silence between requests.
    #[arg(long, env = "CARDEA_IDLE_TIMEOUT", value_name = "TIME", default_value = "75s", value_parser = units::duration)]
    idle_timeout: Duration,
    /// Connecting to an endpoint.
    #[arg(long, env = "CARDEA_CONNECT_TIMEOUT", value_name = "TIME", default_value = "2s", value_parser = units::duration)]
    connect_timeout: Duration,
    /// From the last byte of a request to the head of its answer; an Ingress may set its own.
    #[arg(long, env = "CARDEA_REQUEST_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = units::duration)]
    request_timeout: Duration,
    /// The longest pause inside a body, either way.
    #[arg(long, env = "CARDEA_BODY_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = units::duration)]
    body_timeout: Duration,
    /// Silence on an upgraded connection.
    #[arg(long, env = "CARDEA_TUNNEL_TIMEOUT", value_name = "TIME", default_value = "1h", value_parser = units::duration)]
    tunnel_timeout: Duration,
    /// How long to serve on, not ready, once told to stop: longer than load balancers take to notice.
    #[arg(long, env = "CARDEA_DRAIN_DELAY", value_name = "TIME", default_value = "0s", value_parser = units::duration)]
    drain_delay: Duration,
    /// What requests in flight may take once draining began.
    #[arg(long, env = "CARDEA_DRAIN_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = units::duration)]
    drain_timeout: Duration,
    /// Most bytes of a request head; at least 8Ki.
    #[arg(long, env = "CARDEA_HEADER_BYTES_MAX", value_name = "SIZE", default_value = "32Ki", value_parser = units::bytes)]
    header_bytes_max: u64,
    /// Most fields of a request head.
    #[arg(long, env = "CARDEA_HEADERS_MAX", value_name = "N", default_value_t = 100)]
    headers_max: usize,
    /// Most bytes of a request body, 0 for no bound; an Ingress may set its own.
    #[arg(long, env = "CARDEA_BODY_BYTES_MAX", value_name = "SIZE", default_value = "0", value_parser = units::bytes)]
    body_bytes_max: u64,
    /// Most client connections of one worker; by default what the descriptor limit allows.
    #[arg(long, env = "CARDEA_CONNECTIONS_MAX", value_name = "N")]
    connections_max: Option<usize>,
}

/// Flags that fit together.
#[derive(Debug)]
pub struct Checked {
    pub origin: Origin,
    pub http: SocketAddr,
    pub https: SocketAddr,
    pub admin: SocketAddr,
    pub workers: usize,
    pub compile: compile::Options,
    pub report: report::Flags,
    pub module_cache: Option<PathBuf>,
    pub fetch: fetch::Options,
    pub webhook: Option<webhook::Webhook>,
    pub policy_instances_max: u32,
    pub module_tests: ModuleTests,
    /// Decisions are logged with the values that they were made of: only for authors.
    pub explain: bool,
    /// Between being told to stop and draining.
    pub drain_delay: Duration,
    pub proxy: Settings,
}

const WORKERS_MAX: usize = 1024;

impl Checked {
    /// The error names the flag and what it may be.
    pub fn from_flags(flags: &Flags) -> Result<Self, String> {
        let workers = flags.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        if !(1..=WORKERS_MAX).contains(&workers) {
            return Err(format!("--workers is {workers}; it may be 1 to {WORKERS_MAX}"));
        }
        if flags.policy_instances_max == 0 {
            return Err("--policy-instances-max is 0; no policy could run".into());
        }
        let compile = compile::Options {
            controller: flags.controller_name.as_str().into(),
            watch_ingress_without_class: flags.watch_ingress_without_class,
        };
        Ok(Self {
            origin: origin(flags, &compile)?,
            http: flags.http,
            https: flags.https,
            admin: flags.admin,
            workers,
            compile,
            report: flags.report.clone(),
            module_cache: flags.module_cache.clone(),
            webhook: flags.webhook.checked(flags.manifests.is_none())?,
            fetch: flags.modules.options(flags.module_cache.as_deref())?,
            policy_instances_max: flags.policy_instances_max,
            module_tests: flags.modules.tests,
            explain: false,
            drain_delay: flags.bounds.drain_delay,
            proxy: proxy(flags, workers)?,
        })
    }
}

fn origin(flags: &Flags, compile: &compile::Options) -> Result<Origin, String> {
    match &flags.manifests {
        Some(manifests) if !manifests.is_dir() => {
            Err(format!("--manifests {} is not a directory", manifests.display()))
        }
        Some(manifests) => Ok(Origin::Manifests(manifests.clone())),
        None => Ok(Origin::Cluster(Box::new(flags.cluster.options(compile.clone())))),
    }
}

fn proxy(flags: &Flags, workers: usize) -> Result<Settings, String> {
    let bounds = &flags.bounds;
    let header_bytes_max = usize::try_from(bounds.header_bytes_max).unwrap_or(usize::MAX);
    if !(8 << 10..=1 << 20).contains(&header_bytes_max) {
        return Err(format!("--header-bytes-max is {header_bytes_max}; it may be 8Ki to 1Mi"));
    }
    if !(10..=1000).contains(&bounds.headers_max) {
        return Err(format!("--headers-max is {}; it may be 10 to 1000", bounds.headers_max));
    }
    for (flag, value) in bounds.timeouts() {
        if value < Duration::from_millis(50) {
            return Err(format!("{flag} is {value:?}; it may be 50ms or more"));
        }
    }
    Ok(Settings {
        header_timeout: bounds.header_timeout,
        idle_timeout: bounds.idle_timeout,
        connect_timeout: bounds.connect_timeout,
        request_timeout: bounds.request_timeout,
        body_timeout: bounds.body_timeout,
        tunnel_timeout: bounds.tunnel_timeout,
        drain_timeout: bounds.drain_timeout,
        header_bytes_max,
        headers_max: bounds.headers_max,
        body_bytes_max: (bounds.body_bytes_max > 0).then_some(bounds.body_bytes_max),
        connections_max: bounds.connections_max.unwrap_or_else(|| connections_by_descriptors(workers)),
        proxy_protocol: proxy_protocol(flags)?,
        trusted_proxies: flags.trusted_proxies.clone(),
        debug_clients: flags.debug_clients.clone(),
        access_log: flags.access_log == AccessLog::Json,
        ..Settings::default()
    })
}

fn proxy_protocol(flags: &Flags) -> Result<Option<Vec<IpNet>>, String> {
    match flags.proxy_protocol {
        ProxyProtocol::On => Ok(Some(flags.proxy_protocol_from.clone())),
        ProxyProtocol::Off if flags.proxy_protocol_from.is_empty() => Ok(None),
        ProxyProtocol::Off => Err("--proxy-protocol-from is given, but --proxy-protocol is off".into()),
    }
}

impl Bounds {
    fn timeouts(&self) -> [(&'static str, Duration); 6] {
        [
            ("--header-timeout", self.header_timeout),
            ("--idle-timeout", self.idle_timeout),
            ("--connect-timeout", self.connect_timeout),
            ("--request-timeout", self.request_timeout),
            ("--body-timeout", self.body_timeout),
            ("--tunnel-timeout", self.tunnel_timeout),
        ]
    }
}

/// A client connection may need a second descriptor for its backend; some are for everything else.
fn connections_by_descriptors(workers: usize) -> usize {
    let soft = cardea_proxy::listen::descriptors_max();
    (soft.saturating_sub(64) / 2 / workers).clamp(8, 1 << 20)
}
