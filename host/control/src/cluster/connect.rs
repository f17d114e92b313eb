//! Which API server, and as whom; and over how many connections.
//!
//! kube's own client speaks HTTP/1.1, where each watch holds a connection: right for the few watches of whole kinds. The
//! watches by name may be thousands, so they share connections over HTTP/2.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::kube::client::{Body, ClientBuilder, ConfigExt};
use ::kube::config::{KubeConfigOptions, Kubeconfig};
use ::kube::{Client, Config};
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls_pki_types::ServerName;
use tokio::runtime::Handle;
use tower::BoxError;
use tower::util::{MapErr, option_layer};

const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Watches that share a connection: fewer than the 250 streams that an API server allows on one.
const WATCHES_MAX: usize = 100;
/// How often a connection is asked whether it lives, and for how long it may think.
const PING: Duration = Duration::from_secs(30);
const PONG_MAX: Duration = Duration::from_secs(10);

/// Why there is no way to an API server.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("--kubeconfig {path}: {source}")]
    Kubeconfig { path: PathBuf, source: ::kube::config::KubeconfigError },
    #[error("no service account of a pod and no kubeconfig: {0}")]
    Nothing(#[from] ::kube::config::InferConfigError),
    #[error("--snapshot {path}: {message}")]
    Snapshot { path: PathBuf, message: String },
    #[error("the API client cannot be set up: {0}")]
    Client(#[source] Box<::kube::Error>),
}

/// The way to one API server. Nothing is sent before a client is used.
pub(super) struct Connection {
    config: Config,
    client: Client,
    /// Connections for watches by name, and how many watches each has.
    shared: Vec<(Client, usize)>,
    handle: Handle,
}

/// Which of the shared connections a watch is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat(usize);

impl Connection {
    pub(super) fn open(kubeconfig: Option<&Path>, handle: &Handle) -> Result<Self, ConnectError> {
        let mut config = handle.block_on(config(kubeconfig))?;
        config.connect_timeout = Some(CONNECT_MAX);
        // Watches wait by themselves before they try again, and must hear of failures.
        config.default_retry = false;
        // The client spawns a task of its own.
        let _inside = handle.enter();
        let client = Client::try_from(config.clone()).map_err(|error| ConnectError::Client(Box::new(error)))?;
        Ok(Self { config, client, shared: Vec::new(), handle: handle.clone() })
    }

    /// For people.
    pub(super) fn server(&self) -> String {
        self.config.cluster_url.to_string()
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// A client for one more watch by name.
    pub(super) fn take_seat(&mut self) -> (Client, Seat) {
        let free = self.shared.iter().position(|(_, watches)| *watches < WATCHES_MAX);
        let at = free.unwrap_or_else(|| {
            let _inside = self.handle.enter();
            // It was set up once already, so this cannot fail; the other client works too.
            let client = multiplexed(&self.config).unwrap_or_else(|_| self.client.clone());
            self.shared.push((client, 0));
            self.shared.len() - 1
        });
        match self.shared.get_mut(at) {
            Some((client, watches)) => {
                *watches += 1;
                (client.clone(), Seat(at))
            }
            None => (self.client.clone(), Seat(at)),
        }
    }

    pub(super) fn leave_seat(&mut self, Seat(at): Seat) {
        if let Some((_, watches)) = self.shared.get_mut(at) {
            *watches = watches.saturating_sub(1);
        }
    }
}

/// The services of kube's own client, over one connection of HTTP/2 where the server speaks it.
fn multiplexed(config: &Config) -> Result<Client, ::kube::Error> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT_MAX));
    let mut https = HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?).https_or_http();
    let name = config.tls_server_name.as_ref().and_then(|name| ServerName::try_from(name.clone()).ok());
    if let Some(name) = name {
        https = https.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let transport = legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PONG_MAX)
        .http2_keep_alive_while_idle(true)
        .build::<_, Body>(https.enable_all_versions().wrap_connector(http));
    let client = ClientBuilder::new(MapErr::new(transport, BoxError::from), config.default_namespace.clone())
        .with_layer(&config.extra_headers_layer()?)
        .with_layer(&option_layer(config.auth_layer()?))
        .with_layer(&config.base_uri_layer());
    Ok(client.build())
}

async fn config(kubeconfig: Option<&Path>) -> Result<Config, ConnectError> {
    let Some(path) = kubeconfig else {
        return match Config::incluster() {
            Ok(config) => Ok(config),
            Err(_) => Ok(Config::infer().await?),
        };
    };
    let failed = |source| ConnectError::Kubeconfig { path: path.to_owned(), source };
    let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(failed)
}
