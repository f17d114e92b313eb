use super::*;

fn read_text(text: &str, bodiless: bool) -> Result<Option<Head>, Malformed> {
    read(&mut Bytes::copy_from_slice(text.as_bytes()), bodiless, 4096)
}

#[test]
fn the_framing_is_what_rfc_9112_says() {
    let length = Framing::Length;
    for (fields, bodiless, expected, keeps_alive) in [
        ("200 OK\r\ncontent-length: 5", false, length(5), true),
        ("200 OK\r\ncontent-length: 5\r\ncontent-length: 5", false, length(5), true),
        ("200 OK\r\ntransfer-encoding: Chunked", false, Framing::Chunked(Chunked::Size), true),
        ("200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5", false, Framing::Chunked(Chunked::Size), false),
        ("200 OK", false, Framing::Close, false),
        ("200 OK\r\ncontent-length: 5", true, length(0), true),
        ("204 No Content\r\ncontent-length: 5", false, length(0), true),
        ("304 Not Modified\r\ncontent-length: 5", false, length(0), true),
        ("200 OK\r\ncontent-length: 5\r\nconnection: x, Close", false, length(5), false),
    ] {
        let head = read_text(&format!("HTTP/1.1 {fields}\r\n\r\n"), bodiless).unwrap().unwrap();
        assert_eq!((head.framing, head.keeps_alive), (expected, keeps_alive), "{fields}");
    }
    let old = read_text("HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\n", false).unwrap().unwrap();
    assert_eq!((old.framing, old.keeps_alive), (length(5), false));
}

#[test]
fn what_frames_in_two_ways_is_refused() {
    for fields in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: +5",
        "content-length: 5, 5",
        "content-length: ",
        "content-length: 99999999999999999999",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding : chunked",
        " folded: 1",
    ] {
        assert!(read_text(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n"), false).is_err(), "{fields}");
    }
}

#[test]
fn informational_answers_are_passed_over_within_reason() {
    let mut bytes = Bytes::from_static(
        b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    let head = read(&mut bytes, false, 4096).unwrap().unwrap();
    assert_eq!((head.parts.status, head.parts.headers.len(), &bytes[..]), (StatusCode::OK, 1, &b"ok"[..]));
    let switching = read_text("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", false).unwrap().unwrap();
    assert_eq!((switching.parts.status, switching.framing), (StatusCode::SWITCHING_PROTOCOLS, Framing::Length(0)));
    let endless = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(INFORMATIONAL_MAX + 1);
    assert_eq!(read_text(&endless, false).unwrap_err(), Malformed::Informational);
}

#[test]
fn half_a_head_waits_up_to_the_bound() {
    assert!(read_text("HTTP/1.1 200 OK\r\ncontent-le", false).unwrap().is_none());
    let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(4096));
    assert_eq!(read_text(&long, false).unwrap_err(), Malformed::TooLong(4096));
    assert_eq!(read_text(&format!("{long}\r\n\r\n"), false).unwrap_err(), Malformed::TooLong(4096));
}
