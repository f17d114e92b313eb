//! The HTTP/2 backend (prior knowledge): answers each stream with what it saw, with the trailers that gRPC ends with. A gRPC call
//! gets its own message back, or the status that its metadata `x-status` asks for.

use anyhow::Result;
use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::net::TcpStream;

use super::{Call, Stage};
use crate::wire::{Body, Fields};

pub async fn serve(stream: TcpStream, name: &str, connection: usize, stage: &Stage) -> Result<()> {
    let mut streams = h2::server::handshake(stream).await?;
    while let Some(accepted) = streams.accept().await {
        let (request, respond) = accepted?;
        let (name, stage) = (name.to_owned(), stage.clone());
        // An error is the peer's doing, and shows in the calls.
        tokio::spawn(async move { drop(answer(request, respond, &name, connection, &stage).await) });
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    name: &str,
    connection: usize,
    stage: &Stage,
) -> Result<()> {
    let (head, mut stream) = request.into_parts();
    let mut fields = fields(&head.headers);
    if let Some(authority) = head.uri.authority() {
        fields.push((":authority".to_owned(), authority.to_string()));
    }
    let call = Call {
        backend: name.to_owned(),
        connection,
        version: "HTTP/2".to_owned(),
        method: head.method.to_string(),
        target: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        fields,
        body: Body::default(),
        complete: false,
    };
    let index = stage.record(call.clone());
    let kind = head.headers.get("content-type").filter(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    let shown = kind.cloned().unwrap_or(HeaderValue::from_static("application/json"));
    let response = Response::builder().header("content-type", shown).header("x-backend", name);
    let mut sender = respond.send_response(response.body(())?, false)?;
    let body = read(&mut stream).await?;
    stage.complete(index, body.clone());
    let status = head.headers.get("x-status").filter(|status| kind.is_some() && !status.is_empty());
    let text = match kind {
        Some(_) if status.is_some() => Bytes::new(),
        Some(_) => Bytes::from(body.bytes),
        None => Bytes::from(Call { body, complete: true, ..call }.to_json().to_string()),
    };
    sender.send_data(text, false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.cloned().unwrap_or(HeaderValue::from_static("0")));
    if status.is_some() {
        trailers.insert("grpc-message", HeaderValue::from_static("asked%20to"));
    }
    Ok(sender.send_trailers(trailers)?)
}

/// Reads a stream to its end, trailers too.
pub async fn read(stream: &mut RecvStream) -> Result<Body> {
    let mut body = Body::default();
    while let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        body.bytes.extend_from_slice(&data);
    }
    if let Some(trailers) = stream.trailers().await? {
        body.trailers = fields(&trailers);
    }
    Ok(body)
}

/// Names in lower case, values as Latin-1.
pub fn fields(headers: &HeaderMap) -> Fields {
    headers.iter().map(|(name, value)| (name.to_string(), crate::wire::text(value.as_bytes()))).collect()
}
