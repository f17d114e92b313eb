//! The bounds of the data plane, checked before anything starts.

use std::time::Duration;

use ipnet::IpNet;

#[derive(Debug, Clone)]
pub struct Settings {
    /// From a connection's first byte, or the first byte of a later request, to the end of the head.
    pub header_timeout: Duration,
    /// How long a connection may be silent between requests.
    pub idle_timeout: Duration,
    pub connect_timeout: Duration,
    /// From the last byte of a request to the head of its answer.
    pub request_timeout: Duration,
    /// The longest pause inside a body, either way.
    pub body_timeout: Duration,
    /// The longest silence of an upgraded connection.
    pub tunnel_timeout: Duration,
    /// How long requests in flight may take once shutdown began.
    pub drain_timeout: Duration,
    /// Most bytes of a request head; at least 8 KiB.
    pub header_bytes_max: usize,
    pub headers_max: usize,
    /// Most bytes of a request body; `None` for no bound. A route may set its own.
    pub body_bytes_max: Option<u64>,
    /// Most connections of one worker.
    pub connections_max: usize,
    /// Idle upstream connections kept by endpoint and worker.
    pub idle_upstream_max: usize,
    /// How long an upstream connection may be idle.
    pub idle_upstream_timeout: Duration,
    /// Who must send a PROXY protocol header before anything else; nobody else may. `None`: nobody; an empty list: all.
    pub proxy_protocol: Option<Vec<IpNet>>,
    /// Peers whose X-Forwarded-* fields are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Clients that may ask for `server-timing` and the debug fields.
    pub debug_clients: Vec<IpNet>,
    pub access_log: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            connect_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(60),
            tunnel_timeout: Duration::from_secs(3600),
            drain_timeout: Duration::from_secs(30),
            header_bytes_max: 32 << 10,
            headers_max: 100,
            body_bytes_max: None,
            connections_max: 16_384,
            idle_upstream_max: 128,
            idle_upstream_timeout: Duration::from_secs(60),
            proxy_protocol: None,
            trusted_proxies: Vec::new(),
            debug_clients: Vec::new(),
            access_log: true,
        }
    }
}
