//! Which API server, and as whom.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::kube::config::{KubeConfigOptions, Kubeconfig};
use ::kube::{Client, Config};
use tokio::runtime::Handle;

const CONNECT_MAX: Duration = Duration::from_secs(5);

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

/// Makes a client; nothing is sent yet. Also answers with the server's address, for people.
pub(super) fn connect(kubeconfig: Option<&Path>, handle: &Handle) -> Result<(Client, String), ConnectError> {
    let mut config = handle.block_on(config(kubeconfig))?;
    config.connect_timeout = Some(CONNECT_MAX);
    // Watches wait by themselves before they try again, and must hear of failures.
    config.default_retry = false;
    let server = config.cluster_url.to_string();
    // The client spawns a task of its own.
    let _inside = handle.enter();
    let client = Client::try_from(config).map_err(|error| ConnectError::Client(Box::new(error)))?;
    Ok((client, server))
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
