//! The HTTP/1.1 backend that answers each request with what it saw, as JSON; an upgrade becomes an echo of bytes.

use anyhow::Result;
use tokio::net::TcpStream;

use super::{Call, Stage};
use crate::wire::{Head, Wire, request_framing, values};

pub async fn serve(stream: TcpStream, name: &str, connection: usize, stage: &Stage) -> Result<()> {
    let mut wire = Wire::new(stream);
    while let Some(head) = wire.head().await? {
        let call = Call::new(name, connection, &head);
        let index = stage.record(call.clone());
        if let Some(protocol) = upgrade(&head) {
            let head =
                format!("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n");
            wire.write(head.as_bytes()).await?;
            return wire.echo().await;
        }
        if values(&head.fields, "expect").any(|value| value.eq_ignore_ascii_case("100-continue")) {
            wire.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = wire.body(request_framing(&head)?).await?;
        stage.complete(index, body.clone());
        wire.write(&answer(&Call { body, complete: true, ..call })).await?;
    }
    Ok(())
}

fn upgrade(head: &Head) -> Option<&str> {
    let asked = values(&head.fields, "connection").any(|value| value.to_ascii_lowercase().contains("upgrade"));
    values(&head.fields, "upgrade").next().filter(|_| asked)
}

fn answer(call: &Call) -> Vec<u8> {
    let body = call.to_json().to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nserver: echo\r\ncontent-type: application/json\r\ncontent-length: {}\r\nx-backend: {}\r\n\r\n",
        body.len(),
        call.backend,
    );
    let mut answer = head.into_bytes();
    if call.method != "HEAD" {
        answer.extend(body.as_bytes());
    }
    answer
}
