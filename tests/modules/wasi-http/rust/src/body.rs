//! Bodies, piece by piece: what a guest may not hold in its memory goes through it.

use wasip2::http::types::{ErrorCode, IncomingBody, OutgoingBody, http_error_code};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// Copies a body until it ends. False if it broke off.
pub fn copy(from: IncomingBody, to: OutgoingBody) -> bool {
    copy_and(from, to, b"")
}

/// Copies a body, and writes more after it.
pub fn copy_and(from: IncomingBody, to: OutgoingBody, more: &[u8]) -> bool {
    let whole = match (from.stream(), to.write()) {
        (Ok(input), Ok(output)) => pieces(&input, &output) && write(&output, more),
        _ => false,
    };
    drop(from);
    whole && OutgoingBody::finish(to, None).is_ok()
}

fn pieces(input: &InputStream, output: &OutputStream) -> bool {
    loop {
        match input.blocking_read(16 << 10) {
            Ok(bytes) => {
                if !write(output, &bytes) {
                    return false;
                }
            }
            Err(StreamError::Closed) => return true,
            Err(StreamError::LastOperationFailed(_)) => return false,
        }
    }
}

/// How long a body is, or why it broke off.
pub fn length(from: IncomingBody) -> Result<u64, ErrorCode> {
    let input = from.stream().unwrap();
    let mut length = 0;
    loop {
        match input.blocking_read(16 << 10) {
            Ok(bytes) => length += bytes.len() as u64,
            Err(StreamError::Closed) => return Ok(length),
            Err(StreamError::LastOperationFailed(error)) => return Err(http_error_code(&error).unwrap()),
        }
    }
}

/// Writes all of it, as fast as the other end takes it.
pub fn write(output: &OutputStream, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        output.subscribe().block();
        let Ok(room) = output.check_write() else { return false };
        let (now, later) = bytes.split_at(bytes.len().min(room as usize));
        if output.write(now).is_err() {
            return false;
        }
        bytes = later;
    }
    output.blocking_flush().is_ok()
}

/// A whole body.
pub fn whole(to: OutgoingBody, text: &str) {
    if let Ok(output) = to.write() {
        write(&output, text.as_bytes());
    }
    let _ = OutgoingBody::finish(to, None);
}
