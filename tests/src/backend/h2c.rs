//! The HTTP/2 backend (prior knowledge): answers each stream with what it saw, with the trailers that gRPC ends with.

use anyhow::Result;
use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
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
    let response = Response::builder().header("content-type", "application/json").header("x-backend", name);
    let mut sender = respond.send_response(response.body(())?, false)?;
    let body = read(&mut stream).await?;
    stage.complete(index, body.clone());
    let text = Call { body, complete: true, ..call }.to_json().to_string();
    sender.send_data(Bytes::from(text), false)?;
    let trailers = HeaderMap::from_iter([(http::header::HeaderName::from_static("grpc-status"), "0".parse()?)]);
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
