//! HTTP/2 frame by frame, for requests that no library would send: field blocks are literals, nothing is checked.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Reply;
use crate::wire::{Body, Fields, bytes};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// Sends one request as these fields, pseudo-fields too, exactly in this order, on stream 1.
///
/// # Errors
/// When the ingress refused the stream or the connection: which of them, and its error code.
pub async fn exchange(address: SocketAddr, fields: &Fields, body: &[u8]) -> Result<Reply> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&request(fields, body)).await?;
    loop {
        let Some((kind, flags, id, payload)) = frame(&mut stream).await? else { bail!("refused: closed") };
        match (kind, id) {
            (SETTINGS, 0) if flags & ACK == 0 => stream.write_all(&encode(SETTINGS, ACK, 0, &[])).await?,
            (HEADERS, 1) => return reply(&payload),
            (RESET, 1) => bail!("refused: stream error {}", code(&payload)),
            (GO_AWAY, _) => bail!("refused: connection error {}", code(payload.get(4..).unwrap_or_default())),
            _ => {}
        }
    }
}

fn request(fields: &Fields, body: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0); // Literal without indexing, new name (RFC 7541, 6.2.2).
        for text in [name, value] {
            let text = bytes(text);
            encode_length(&mut block, text.len());
            block.extend(text);
        }
    }
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(encode(SETTINGS, 0, 0, &[]));
    let end = if body.is_empty() { END_STREAM } else { 0 };
    bytes.extend(encode(HEADERS, END_HEADERS | end, 1, &block));
    if !body.is_empty() {
        bytes.extend(encode(DATA, END_STREAM, 1, body));
    }
    bytes
}

/// A string length, 7-bit prefix, no Huffman (RFC 7541, 5.1).
fn encode_length(block: &mut Vec<u8>, length: usize) {
    if length < 127 {
        block.push(length.to_le_bytes()[0]);
        return;
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push((rest & 127).to_le_bytes()[0] | 128);
        rest >>= 7;
    }
    block.push(rest.to_le_bytes()[0]);
}

pub fn encode(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = payload.len().to_be_bytes().last_chunk::<3>().map(|length| length.to_vec()).unwrap_or_default();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Kind, flags, stream and payload of the next frame.
async fn frame(stream: &mut TcpStream) -> Result<Option<(u8, u8, u32, Vec<u8>)>> {
    let mut head = [0; 9];
    if stream.read_exact(&mut head).await.is_err() {
        return Ok(None);
    }
    let [a, b, c, kind, flags, id @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]).try_into()?];
    stream.read_exact(&mut payload).await?;
    Ok(Some((kind, flags, u32::from_be_bytes(id) & 0x7fff_ffff, payload)))
}

fn code(payload: &[u8]) -> u32 {
    payload.first_chunk().map_or(u32::MAX, |bytes| u32::from_be_bytes(*bytes))
}

/// The status alone: the first field of a reply (RFC 9113, 8.3.2).
fn reply(block: &[u8]) -> Result<Reply> {
    let status = status(block).with_context(|| format!("no status in {block:?}"))?;
    let version = "HTTP/2".to_owned();
    Ok(Reply { version, status, interim: Vec::new(), fields: Fields::new(), body: Body::default() })
}

fn status(block: &[u8]) -> Option<u16> {
    const STATIC: [u16; 7] = [200, 204, 206, 304, 400, 404, 500]; // RFC 7541, appendix A, 8 to 14.
    match block {
        [index @ 0x88..=0x8e, ..] => STATIC.get(usize::from(index - 0x88)).copied(),
        // A size update of the dynamic table may come first.
        [0x20..=0x3f, rest @ ..] => status(rest),
        [0x48 | 0x08 | 0x18, length, rest @ ..] => {
            let value = rest.get(..usize::from(length & 127))?;
            if length & 128 == 0 { std::str::from_utf8(value).ok()?.parse().ok() } else { digits(value) }
        }
        _ => None,
    }
}

/// Three digits in the Huffman code: 0 to 2 have five bits, 3 to 9 have six (RFC 7541, appendix B).
fn digits(value: &[u8]) -> Option<u16> {
    let bits: String = value.iter().map(|byte| format!("{byte:08b}")).collect();
    let (mut at, mut number) = (0, 0);
    for _ in 0..3 {
        let short = u16::from_str_radix(bits.get(at..at + 5)?, 2).ok()?;
        let digit = if short <= 2 { short } else { u16::from_str_radix(bits.get(at..at + 6)?, 2).ok()? - 0b01_0110 };
        at += if short <= 2 { 5 } else { 6 };
        number = number * 10 + digit;
    }
    Some(number)
}
