//! Registries as the author's commands reach them: flags, credentials, and one thread to wait on.

use std::future::Future;
use std::path::{Path, PathBuf};

use cardea_control::fetch::{Client, Fault, Image, Login, Network, Repository, login};

use super::mistake::Mistake;

/// As in `cardea push`, `pull`, `sign` and `verify`.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Registry")]
pub struct Args {
    /// Credentials, as `docker login` writes them; by default config.json in $DOCKER_CONFIG or ~/.docker, if it is there.
    #[arg(long, value_name = "FILE")]
    registry_config: Option<PathBuf>,
    /// PEM file of certificate authorities to trust beside those of the machine.
    #[arg(long, env = "CARDEA_REGISTRY_CA", value_name = "FILE")]
    registry_ca: Option<PathBuf>,
    /// Registries that are spoken to without TLS.
    #[arg(long, env = "CARDEA_REGISTRY_INSECURE", value_name = "HOST,..", value_delimiter = ',')]
    registry_insecure: Vec<String>,
}

/// A repository, ready to be asked.
#[derive(Debug)]
pub struct Place {
    pub image: Image,
    client: Client,
    login: Option<Login>,
}

impl Place {
    pub fn open(image: &str, args: &Args) -> Result<Self, Mistake> {
        let image = Image::parse(image)
            .map_err(|message| Mistake::usage(message, "write it in full: registry.example.com/team/policy:v1"))?;
        let authorities_pem = match &args.registry_ca {
            Some(path) => Some(std::fs::read(path).map_err(|error| Mistake::unreadable(path, &error))?),
            None => None,
        };
        let network = Network { insecure: args.registry_insecure.clone(), authorities_pem, ..Network::default() };
        let client = Client::new(network)
            .map_err(|error| Mistake::usage(error.to_string(), "give --registry-ca a file of PEM certificates"))?;
        let login = find_login(args.registry_config.as_deref(), &image)?;
        Ok(Self { image, client, login })
    }

    /// The repository; to write in as well if `may_write`.
    pub fn repository(&self, may_write: bool) -> Repository<'_> {
        Repository::new(&self.client, &self.image, self.login.clone(), may_write)
    }
}

/// Waits for an answer of the registry.
pub fn wait<T>(asked: impl Future<Output = Result<T, Fault>>) -> Result<T, Mistake> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Mistake::usage(format!("there can be no I/O: {error}"), "see the limits of this process"))?;
    runtime.block_on(asked).map_err(|fault| {
        let remedy = match fault.field {
            "spec.module.oci.pullSecret" => {
                "log in: `docker login`, or name the file with --registry-config".to_owned()
            }
            _ => fault.remedy,
        };
        Mistake::usage(fault.message, remedy)
    })
}

fn find_login(named: Option<&Path>, image: &Image) -> Result<Option<Login>, Mistake> {
    let usual = || {
        let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
        folder
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")))
            .map(|it| it.join("config.json"))
    };
    let path = match named {
        Some(path) => path.to_owned(),
        None => match usual().filter(|path| path.is_file()) {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let text = std::fs::read(&path).map_err(|error| Mistake::unreadable(&path, &error))?;
    login(&text, &image.registry, &image.repository)
        .map_err(|message| Mistake::usage(format!("{}: {message}", path.display()), "make it anew with `docker login`"))
}
