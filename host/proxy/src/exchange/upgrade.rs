//! Whether a backend's answer may be passed on: a 101 only to a client that asked for just that protocol.

use http::header::{self, HeaderValue};
use http::{Response, StatusCode};

use super::reply::{Pause, Payload};
use crate::conn::Client;
use crate::failure::Failure;
use crate::timer::Timer;
use crate::upstream::Answer;

/// Admits an answer; a switch of protocols hands the backend's socket to the client's connection, which moves the bytes
/// once the 101 is out.
pub fn admit(
    client: &Client,
    asked: Option<HeaderValue>,
    answer: Answer,
    timer: Timer,
) -> Result<Response<Payload>, Failure> {
    let Answer { mut parts, body, upgraded } = answer;
    if parts.status != StatusCode::SWITCHING_PROTOCOLS {
        let pause = Pause::new(timer, client.worker.settings().body_timeout);
        return Ok(Response::from_parts(parts, Payload::Upstream { body, pause }));
    }
    let granted = parts.headers.get(header::UPGRADE);
    let same =
        asked.zip(granted).is_some_and(|(asked, granted)| asked.as_bytes().eq_ignore_ascii_case(granted.as_bytes()));
    let (true, Some(http1)) = (same, upgraded) else {
        return Err(Failure::UpstreamProtocol("switched protocols without being asked to".into()));
    };
    let tunnel = http1.into_tunnel();
    client.traffic.tunnel.replace(Some(tunnel));
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    parts.extensions.clear();
    Ok(Response::from_parts(parts, Payload::Empty))
}
