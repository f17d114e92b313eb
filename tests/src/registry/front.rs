//! What stands between the ingress and the registry: it sees each request, may ask for a token, and breaks what it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::{PASSWORD, USER};
use crate::wire::{self, Head, Wire, values};

/// Blobs from here on count as modules; configs and payloads are smaller.
const MODULE_BYTES: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Answers everything so.
    Status(u16),
    /// Ends modules in the middle.
    Truncate,
    /// Changes the last byte of modules.
    Corrupt,
    /// Accepts, and closes.
    Close,
    /// Sends everybody back to where they are.
    Redirect,
}

/// Who may get a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    Open,
    /// Whoever has the user and password, or this identity token.
    Token(&'static str),
}

pub struct Front {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

struct State {
    fault: Fault,
    seen: Vec<String>,
}

#[derive(Clone)]
struct Way {
    address: SocketAddr,
    upstream: String,
    guard: Guard,
    state: Arc<Mutex<State>>,
}

impl Front {
    pub async fn start(upstream: &str, guard: Guard) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { fault: Fault::None, seen: Vec::new() }));
        let way = Way { address, upstream: upstream.to_owned(), guard, state: Arc::clone(&state) };
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let way = way.clone();
                // A client that leaves in the middle is one of the cases.
                connections.spawn(async move { drop(way.serve(stream).await) });
            }
        });
        Ok(Self { address, state, task })
    }

    pub fn break_with(&self, fault: Fault) {
        lock(&self.state).fault = fault;
    }

    /// `GET /v2/...`, in order.
    pub fn seen(&self) -> Vec<String> {
        lock(&self.state).seen.clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Way {
    async fn serve(&self, stream: TcpStream) -> Result<()> {
        let mut wire = Wire::new(stream);
        let Some(head) = wire.head().await? else { return Ok(()) };
        let body = wire.body(wire::request_framing(&head)?).await?.bytes;
        let asked = head.start.trim_end_matches(" HTTP/1.1").to_owned();
        let fault = {
            let mut state = lock(&self.state);
            state.seen.push(asked.clone());
            state.fault
        };
        let answer = match (fault, self.guard) {
            (Fault::Close, _) => return Ok(()),
            (Fault::Status(status), _) => short(status, "", ""),
            (Fault::Redirect, _) => {
                let target = asked.split(' ').nth(1).unwrap_or("/");
                short(302, &format!("location: http://{}{target}\r\n", self.address), "")
            }
            (_, Guard::Token(identity)) if asked.contains(" /token") => token(&head, &body, identity),
            (_, Guard::Token(_)) if values(&head.fields, "authorization").next() != Some("Bearer good") => {
                let challenge = format!(
                    "www-authenticate: Bearer realm=\"http://{}/token\",service=\"test\",scope=\"repository:team/p:pull\"\r\n",
                    self.address
                );
                short(401, &challenge, "")
            }
            (fault, _) => broken(self.forward(&head, &body).await?, &asked, fault),
        };
        wire.write(&answer).await?;
        wire.stream.shutdown().await?;
        Ok(())
    }

    async fn forward(&self, head: &Head, body: &[u8]) -> Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(&self.upstream).await?;
        let mut text = format!("{}\r\n", head.start);
        for (name, value) in &head.fields {
            let own = self.guard != Guard::Open && name == "authorization";
            if name != "connection" && !own {
                text += &format!("{name}: {value}\r\n");
            }
        }
        text += "connection: close\r\n\r\n";
        upstream.write_all(&[text.as_bytes(), body].concat()).await?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

fn short(status: u16, fields: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Fault\r\n{fields}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn token(head: &Head, body: &[u8], identity: &str) -> Vec<u8> {
    let password = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let is_user = head.start.starts_with("GET ") && values(&head.fields, "authorization").next() == Some(&password);
    let body = wire::text(body);
    let is_identity = head.start.starts_with("POST ")
        && body.split('&').any(|pair| pair == format!("refresh_token={identity}"))
        && body.split('&').any(|pair| pair == "grant_type=refresh_token");
    match is_user || is_identity {
        true => short(200, "content-type: application/json\r\n", r#"{"access_token":"good","expires_in":60}"#),
        false => short(401, "", ""),
    }
}

fn broken(mut answer: Vec<u8>, asked: &str, fault: Fault) -> Vec<u8> {
    let Some(start) = answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) else {
        return answer;
    };
    let size = answer.len() - start;
    if !asked.starts_with("GET ") || !asked.contains("/blobs/") || size < MODULE_BYTES {
        return answer;
    }
    match fault {
        Fault::Truncate => answer.truncate(start + size / 2),
        Fault::Corrupt => answer.iter_mut().next_back().into_iter().for_each(|last| *last ^= 1),
        Fault::None | Fault::Status(_) | Fault::Close | Fault::Redirect => {}
    }
    answer
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
