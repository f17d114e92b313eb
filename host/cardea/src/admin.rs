//! The admin listener: health, readiness, metrics and the debug view. Plain HTTP/1.1, on a thread of its own.

mod admission;
mod metrics;
mod source;
mod view;

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use cardea_control::cluster::Health;
use cardea_policy::State;
use cardea_proxy::worker::{Shared, Standing};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::oneshot;

use crate::admission::Counters;
use crate::reload::View;

/// What it looks at.
pub struct Admin {
    pub shared: Arc<Shared>,
    pub state: Arc<State>,
    pub view: Arc<View>,
    /// How well the API server is heard, if there is one.
    pub source: Option<Arc<Health>>,
    /// What the webhook answered, if there is one.
    pub admission: Option<Arc<Counters>>,
}

/// The running listener.
pub struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    pub fn stop(self) {
        // Both fail only where the thread is gone already.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

pub fn spawn(admin: Admin, listener: TcpListener) -> anyhow::Result<Running> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let (stop, stopped) = oneshot::channel();
    let admin = Arc::new(admin);
    let run = move || {
        runtime.block_on(async {
            // Nothing is lost when accepting is dropped: the process is at its end.
            tokio::select! {
                () = accept(admin, listener) => {}
                _ = stopped => {}
            }
        });
    };
    let thread = std::thread::Builder::new().name("admin".into()).spawn(run)?;
    Ok(Running { stop, thread })
}

async fn accept(admin: Arc<Admin>, listener: tokio::net::TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let admin = Arc::clone(&admin);
        let service = service_fn(move |request| {
            let admin = Arc::clone(&admin);
            async move { Ok::<_, Infallible>(admin.answer(&request)) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(30))
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A client that goes away is not news.
            let _ = connection.await;
        });
    }
}

impl Admin {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n".into());
        }
        match request.uri().path() {
            "/healthz" => text(StatusCode::OK, "ok\n".into()),
            "/readyz" => self.ready(),
            "/metrics" => typed(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics::render(self)),
            "/debug/config" => typed(StatusCode::OK, "application/json", view::config(self)),
            "/" => text(StatusCode::OK, "/healthz\n/readyz\n/metrics\n/debug/config\n".into()),
            _ => text(StatusCode::NOT_FOUND, "no such page\n".into()),
        }
    }

    /// Ready when a generation serves, until the process is told to stop.
    fn ready(&self) -> Response<Full<Bytes>> {
        let standing = *self.shared.standing.borrow();
        if standing != Standing::Serving {
            let why = if standing == Standing::Leaving { "leaving\n" } else { "draining\n" };
            text(StatusCode::SERVICE_UNAVAILABLE, why.into())
        } else if self.shared.live.version() == 0 {
            let missing = self.source.as_ref().map(|source| source::missing(&source.seen())).unwrap_or_default();
            text(StatusCode::SERVICE_UNAVAILABLE, format!("no configuration yet\n{missing}"))
        } else {
            let detail = self.source.as_ref().map(|source| source::detail(&source.seen())).unwrap_or_default();
            text(StatusCode::OK, format!("ready\n{detail}"))
        }
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", body)
}

fn typed(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
