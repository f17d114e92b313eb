//! A real OCI registry (Debian's docker-registry) on a free loopback port, what may go wrong on the way to it, and the
//! author's commands against it.

mod front;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::certificate::Certificate;
use crate::client::http1;
use crate::ingress;
use crate::pulse::{DEADLINE, within};
use crate::wire::Wire;

pub use front::{Fault, Front, Guard};

pub const USER: &str = "carol";
pub const PASSWORD: &str = "correct horse";
/// Of that user and password, with the least cost that bcrypt has.
const HTPASSWD: &str = "carol:$2y$05$nJ55B9dX9pGxTYtwGlMo9eiOpkeJ5ihp0eTv9FoIeESgbM7BfUHZa\n";

#[derive(Default)]
pub struct Options<'a> {
    /// Asks for [`USER`] and [`PASSWORD`].
    pub password: bool,
    pub tls: Option<&'a Certificate>,
}

/// Ends when dropped.
pub struct Registry {
    child: Child,
    /// `127.0.0.1:PORT`, as images name it.
    pub host: String,
    _folder: TempDir,
}

impl Registry {
    pub fn start(options: &Options) -> Result<Self> {
        let folder = TempDir::with_prefix("cardea-registry-")?;
        let path = |name: &str| folder.path().join(name);
        let mut http = json!({"addr": "127.0.0.1:0", "secret": "for this test"});
        if let (Some(certificate), Some(http)) = (options.tls, http.as_object_mut()) {
            std::fs::write(path("tls.crt"), &certificate.certificate_pem)?;
            std::fs::write(path("tls.key"), &certificate.key_pem)?;
            http.insert("tls".into(), json!({"certificate": path("tls.crt"), "key": path("tls.key")}));
        }
        let mut config = json!({
            "version": 0.1, "log": {"level": "info"}, "http": http,
            "storage": {"filesystem": {"rootdirectory": path("data")}},
        });
        if let (true, Some(config)) = (options.password, config.as_object_mut()) {
            std::fs::write(path("htpasswd"), HTPASSWD)?;
            config.insert("auth".into(), json!({"htpasswd": {"realm": "test", "path": path("htpasswd")}}));
        }
        // JSON is YAML.
        std::fs::write(path("config.yml"), serde_json::to_vec(&config)?)?;
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(path("config.yml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("docker-registry does not start: `make setup` installs it")?;
        let host = listener(&mut child)?;
        Ok(Self { child, host, _folder: folder })
    }

    /// Puts an image that no command of ours writes. Each blob is of a type.
    pub async fn put_image(
        &self,
        name: &str,
        tag: &str,
        config: (&str, &[u8]),
        layers: &[(&str, &[u8])],
    ) -> Result<()> {
        let config = self.put_blob(name, config).await?;
        let mut descriptors = Vec::new();
        for layer in layers {
            descriptors.push(self.put_blob(name, *layer).await?);
        }
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": descriptors});
        self.put_manifest(name, tag, &manifest).await.map(drop)
    }

    /// Its descriptor.
    pub async fn put_manifest(&self, name: &str, tag: &str, manifest: &Value) -> Result<Value> {
        let media_type = manifest.get("mediaType").and_then(Value::as_str).context("mediaType")?;
        let text = serde_json::to_vec(manifest)?;
        let (status, _) = self.ask("PUT", &format!("/v2/{name}/manifests/{tag}"), media_type, &text).await?;
        ensure!(status == 201, "the manifest is answered {status}");
        Ok(json!({"mediaType": media_type, "digest": digest(&text)?, "size": text.len()}))
    }

    pub async fn put_blob(&self, name: &str, (media_type, bytes): (&str, &[u8])) -> Result<Value> {
        let digest = digest(bytes)?;
        let (status, location) = self.ask("POST", &format!("/v2/{name}/blobs/uploads/"), "", b"").await?;
        ensure!(status == 202, "an upload is answered {status}");
        let target = location.split_once(&self.host).map_or(location.as_str(), |(_, target)| target);
        let target = format!("{target}&digest={digest}");
        let (status, _) = self.ask("PUT", &target, "application/octet-stream", bytes).await?;
        ensure!(status == 201, "a blob is answered {status}");
        Ok(json!({"mediaType": media_type, "digest": digest, "size": bytes.len()}))
    }

    /// The status and the location.
    async fn ask(&self, method: &str, target: &str, media_type: &str, body: &[u8]) -> Result<(u16, String)> {
        within(target, async {
            let mut wire = Wire::new(TcpStream::connect(&self.host).await?);
            let head = format!(
                "{method} {target} HTTP/1.1\r\nhost: {}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                self.host,
                body.len()
            );
            wire.write(&[head.as_bytes(), body].concat()).await?;
            let reply = http1::reply(&mut wire, method).await?;
            let location = crate::wire::values(&reply.fields, "location").next().unwrap_or_default().to_owned();
            Ok((reply.status, location))
        })
        .await
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended by itself: then both calls say so, and nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where it says that it listens. What it says later is read too, so that it never waits for a reader.
fn listener(child: &mut Child) -> Result<String> {
    let log = child.stderr.take().context("no log")?;
    let (found, address) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("listening on ") {
                let address: String = rest.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
                // Nobody listens any more where the test has ended.
                let _ = found.send(address);
            }
        }
    });
    address.recv_timeout(DEADLINE).context("docker-registry does not say where it listens")
}

/// `sha256:<64 hex>`, by sha256sum: not by what is under test.
pub fn digest(bytes: &[u8]) -> Result<String> {
    use std::io::Write;
    let mut child = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("stdin")?.write_all(bytes)?;
    let output = child.wait_with_output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(format!("sha256:{}", text.split(' ').next().unwrap_or_default()))
}

/// A signature by openssl, in base64: not by what is under test.
pub fn sign(key: &Path, text: &[u8]) -> Result<String> {
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("text"), text)?;
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-sign"]).arg(key).arg(folder.path().join("text"));
    let output = command.output().context("openssl")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(STANDARD.encode(output.stdout))
}

/// What a `cardea policy ...` command came to.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `cardea policy ...` with no credentials but those that the arguments name.
pub fn policy<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Result<Done> {
    let output = Command::new(ingress::binary()?)
        .arg("policy")
        .args(arguments)
        .env("DOCKER_CONFIG", "/nonexistent")
        .stdin(Stdio::null())
        .output()?;
    Ok(Done {
        code: output.status.code().context("ended by a signal")?,
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

/// Pushes a module with our own command; the image by digest.
pub fn push(registry: &Registry, module: &Path, image: &str, more: &[&str]) -> Result<String> {
    let path = module.display().to_string();
    let mut arguments = vec!["push", path.as_str(), image, "--registry-insecure", registry.host.as_str()];
    arguments.extend(more);
    let done = policy(&arguments)?;
    if done.code != 0 {
        bail!("push {image}: {} {}", done.code, done.stderr);
    }
    Ok(done.stdout.trim().to_owned())
}
