//! `cardea echo`: a backend for demonstrations, that answers with what it was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Map, Value, json};

use crate::event::{Level, emit};
use crate::shutdown;

#[derive(Debug, Args)]
pub struct Flags {
    /// Address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7001")]
    listen: SocketAddr,
    /// What it calls itself in its answers.
    #[arg(long, value_name = "NAME", default_value = "echo")]
    name: String,
}

pub fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())?;
    let socket = runtime
        .block_on(tokio::net::TcpListener::bind(flags.listen))
        .with_context(|| format!("--listen {} cannot be listened on", flags.listen))?;
    emit(Level::Info, "listening", json!({ "listener": flags.name, "address": socket.local_addr()?.to_string() }));
    let name: Rc<str> = flags.name.as_str().into();
    runtime.block_on(async {
        // Nothing is lost when accepting is dropped: the process is at its end.
        tokio::select! {
            () = accept(&socket, &name) => Ok(()),
            asked = shutdown::asked() => asked,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Starts one in this process, for as long as that lives, on a port of the system's choice.
pub fn start(name: &str) -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let name = name.to_owned();
    let serve = move || -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())?;
        runtime.block_on(async {
            accept(&tokio::net::TcpListener::from_std(listener)?, &Rc::from(name)).await;
            Ok(())
        })
    };
    std::thread::Builder::new().name("echo".into()).spawn(serve)?;
    Ok(address)
}

async fn accept(socket: &tokio::net::TcpListener, name: &Rc<str>) {
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let name = Rc::clone(name);
        let service = service_fn(move |request| {
            let answer = answer(&name, &request);
            async move { Ok::<_, Infallible>(answer) }
        });
        tokio::task::spawn_local(async move {
            // A client that goes away is not news.
            let _ =
                http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(name: &str, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let body = json!({
        "backend": name,
        "method": request.method().as_str(),
        "target": request.uri().to_string(),
        "headers": fields(request.headers()),
    });
    let mut response = Response::new(Full::new(Bytes::from(format!("{body:#}\n"))));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn fields(headers: &HeaderMap) -> Map<String, Value> {
    let field = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned().into())
    };
    headers.iter().map(field).collect()
}
