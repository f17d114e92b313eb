//! An upgraded connection: bytes both ways until either side ends or both are silent for too long.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use super::Client;
use crate::io::{Downstream, Stream, Traffic};
use crate::timer::Timer;
use crate::upstream::Tunnel;

pub async fn run(
    client: &Rc<Client>,
    stream: Stream,
    unread: Bytes,
    tunnel: Tunnel,
    timer: &Timer,
) -> std::io::Result<()> {
    let traffic = Rc::clone(&client.traffic);
    let mut down = Downstream { stream, traffic: Rc::clone(&traffic), shuts: true };
    let Tunnel { stream: mut up, read } = tunnel;
    let timeout = client.worker.settings().tunnel_timeout;
    timer.set(timeout);
    bounded(&traffic, timer, timeout, async {
        down.write_all(&read).await?;
        up.write_all(&unread).await?;
        tokio::io::copy_bidirectional(&mut down, &mut up).await.map(|_| ())
    })
    .await
}

/// Runs a copy for as long as bytes move.
async fn bounded(
    traffic: &Traffic,
    timer: &Timer,
    timeout: Duration,
    copying: impl Future<Output = std::io::Result<()>>,
) -> std::io::Result<()> {
    let mut copying = pin!(copying);
    let mut progress = traffic.progress.get();
    poll_fn(|cx| {
        if let Poll::Ready(done) = copying.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        loop {
            std::task::ready!(timer.poll(cx));
            if traffic.progress.get() == progress {
                return Poll::Ready(Ok(()));
            }
            progress = traffic.progress.get();
            timer.set(timeout);
        }
    })
    .await
}
