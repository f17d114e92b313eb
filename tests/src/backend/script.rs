//! The backend that does to each connection what a list of actions says, well-behaved or not.

use anyhow::Result;
use serde::Deserialize;
use tokio::net::TcpStream;

use super::{Call, Stage};
use crate::wire::{Wire, bytes, request_framing};

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Reads a request and its body.
    Request,
    /// Reads a request's head alone.
    Head,
    /// Reads the body of the head before.
    Body,
    /// Reads until this text has come.
    Receive(String),
    /// Writes this text, a byte a character.
    Send(String),
    /// Writes the text so many times.
    SendTimes(String, usize),
    /// Waits until a step opens the gate.
    Gate(String),
    /// Gives back all that it gets.
    Echo,
    /// Keeps the connection, silently, until the peer ends it.
    Hold,
    /// Ends the connection by a reset.
    Reset,
    /// Starts again from the first action.
    Again,
}

/// Ends the connection after the last action.
pub async fn play(stream: TcpStream, name: &str, connection: usize, script: &[Action], stage: &Stage) -> Result<()> {
    if script.iter().any(|action| matches!(action, Action::Reset)) {
        // Whatever ends this connection then ends it by a reset.
        stream.set_zero_linger()?;
    }
    let mut wire = Wire::new(stream);
    let mut current = None;
    let mut actions = script.iter();
    while let Some(action) = actions.next() {
        match action {
            Action::Head | Action::Request => {
                let Some(head) = wire.head().await? else { return Ok(()) };
                let index = stage.record(Call::new(name, connection, &head));
                current = Some((index, head));
                if matches!(action, Action::Request) {
                    body(&mut wire, current.take(), stage).await?;
                }
            }
            Action::Body => body(&mut wire, current.take(), stage).await?,
            Action::Receive(wanted) => wire.receive(&bytes(wanted)).await?,
            Action::Send(text) => wire.write(&bytes(text)).await?,
            Action::SendTimes(text, times) => wire.write(&bytes(text).repeat(*times)).await?,
            Action::Gate(gate) => stage.pass(gate).await?,
            Action::Echo => wire.echo().await?,
            Action::Hold => drop(wire.closed().await?),
            Action::Reset => return Ok(()),
            Action::Again => actions = script.iter(),
        }
    }
    Ok(())
}

async fn body(wire: &mut Wire, current: Option<(usize, crate::wire::Head)>, stage: &Stage) -> Result<()> {
    if let Some((index, head)) = current {
        let body = wire.body(request_framing(&head)?).await?;
        stage.complete(index, body);
    }
    Ok(())
}
