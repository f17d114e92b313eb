//! One connection through the proxy: HTTP/1.1 on both sides, a connection to the API server for each request.

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use super::{Break, Fault, Shared, is_watch, status_object};
use crate::client::tls::{self, Tls};
use crate::wire::{Head, Wire, reply_framing, request_framing};

pub(super) async fn accept(listener: TcpListener, shared: Shared) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        // What comes of a connection shows in the requests that passed; an error here is an end of either side.
        connections.spawn(async move { drop(serve(Wire::new(stream), &shared).await) });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(mut client: Wire, shared: &Shared) -> Result<()> {
    while let Some(head) = client.head().await? {
        let body = client.body(request_framing(&head)?).await?.bytes;
        let request = head.start.trim_end_matches(" HTTP/1.1").to_owned();
        if let Some(fault) = shared.fault(&request)
            && !pass_after(&fault, &request, &mut client, shared).await?
        {
            return Ok(());
        }
        let mut server = ask(&head, &body, shared).await?;
        let reply = server.head().await?.context("the API server closed")?;
        let status = reply.start.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        shared.record(&request, status);
        if is_watch(&request) && status == 200 {
            return relay_watch(&request, &reply, &mut server, &mut client, shared.breaks.subscribe()).await;
        }
        let method = request.split(' ').next().unwrap_or_default();
        let body = server.body(reply_framing(method, status, &reply)?).await?.bytes;
        client.write(&message(&reply, &[("content-length", &body.len().to_string())])).await?;
        client.write(&body).await?;
    }
    Ok(())
}

/// Does what the fault says; whether the request then goes on to the server.
async fn pass_after(fault: &Fault, request: &str, client: &mut Wire, shared: &Shared) -> Result<bool> {
    if fault.hold {
        let mut faults = shared.faults.subscribe();
        faults.wait_for(|faults| !faults.iter().any(|fault| fault.hold && fault.names(request))).await?;
        return Ok(true);
    }
    let (status, body) = match (&fault.event, fault.status) {
        (Some(event), _) => (200, event.clone()),
        (None, Some(status)) => (status, status_object(status)),
        (None, None) => (0, Value::Null),
    };
    shared.record(request, status);
    if status == 0 {
        return Ok(false);
    }
    let body = format!("{body}\n");
    let retry = fault.retry_after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status} Fault\r\ncontent-type: application/json\r\n{retry}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len(),
    );
    client.write(head.as_bytes()).await?;
    client.write(body.as_bytes()).await?;
    Ok(false)
}

async fn ask(head: &Head, body: &[u8], shared: &Shared) -> Result<Wire> {
    let stream = TcpStream::connect(&*shared.server).await?;
    let (stream, _) = tls::connect(stream, &Tls { sni: None, alpn: vec!["http/1.1".to_owned()] }).await?;
    let mut server = Wire::new(stream);
    server.write(&message(head, &[("content-length", &body.len().to_string()), ("connection", "close")])).await?;
    server.write(body).await?;
    Ok(server)
}

async fn relay_watch(
    request: &str,
    reply: &Head,
    server: &mut Wire,
    client: &mut Wire,
    mut breaks: broadcast::Receiver<Break>,
) -> Result<()> {
    client.write(&message(reply, &[("transfer-encoding", "chunked")])).await?;
    loop {
        let broken = async {
            loop {
                let found = breaks.recv().await?;
                if request.contains(&found.on) {
                    return anyhow::Ok(found);
                }
            }
        };
        tokio::select! {
            data = server.chunk() => match data? {
                Some(data) => client.write(&chunk(&data)).await?,
                None => return client.write(b"0\r\n\r\n").await,
            },
            found = broken => return end(&found?, client).await,
        }
    }
}

async fn end(how: &Break, client: &mut Wire) -> Result<()> {
    if let Some(event) = &how.event {
        client.write(&chunk(format!("{event}\n").as_bytes())).await?;
    }
    if how.end || how.event.is_some() {
        client.write(b"0\r\n\r\n").await?;
    }
    Ok(())
}

fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// A head with other framing.
fn message(head: &Head, framing: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("{}\r\n", head.start);
    let is_framing = |name: &str| matches!(name, "content-length" | "transfer-encoding" | "connection");
    for (name, value) in head.fields.iter().filter(|(name, _)| !is_framing(name)) {
        text += &format!("{name}: {value}\r\n");
    }
    for (name, value) in framing {
        text += &format!("{name}: {value}\r\n");
    }
    (text + "\r\n").into_bytes()
}
