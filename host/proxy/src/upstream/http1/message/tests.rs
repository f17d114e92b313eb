use super::*;
use http::Request;

fn message(method: Method, fields: &[(&'static str, &'static str)], body: Outbound) -> Message {
    let mut parts = Request::new(()).into_parts().0;
    parts.method = method;
    parts.uri = "/a?b=1".parse().unwrap();
    for (name, value) in fields {
        parts.headers.append(*name, HeaderValue::from_static(value));
    }
    let host = HeaderValue::from_static("shop.test");
    let added = Added { host: Some(&host), upgrade: None, trailers: false, beside: &Beside::default() };
    Message::new(&parts, &added, body)
}

fn whole(bytes: &'static [u8]) -> Outbound {
    Outbound::Replayed(Some(Bytes::from_static(bytes)), None)
}

fn text(message: &Message) -> &str {
    std::str::from_utf8(&message.head).unwrap()
}

#[test]
fn a_head_has_each_field_once_and_the_framing_of_its_body() {
    let get = message(Method::GET, &[("x-tag", "one"), ("x-tag", "two")], Outbound::Empty);
    assert_eq!(text(&get), "GET /a?b=1 HTTP/1.1\r\nhost: shop.test\r\nx-tag: one\r\nx-tag: two\r\n\r\n");
    assert!(get.is_whole() && get.repeatable && !get.asks_head_alone);
    let post = message(Method::POST, &[], Outbound::Empty);
    assert_eq!(text(&post), "POST /a?b=1 HTTP/1.1\r\nhost: shop.test\r\ncontent-length: 0\r\n\r\n");
    assert!(!post.repeatable);
    let full = message(Method::PUT, &[], whole(b"hello"));
    assert_eq!(text(&full), "PUT /a?b=1 HTTP/1.1\r\nhost: shop.test\r\ncontent-length: 5\r\n\r\n");
    assert!(!full.is_whole() && !full.repeatable);
}

#[test]
fn added_fields_follow() {
    let parts = Request::new(()).into_parts().0;
    let upgrade = HeaderValue::from_static("websocket");
    let beside = Beside { forwarded_for: Some(HeaderValue::from_static("10.0.0.1")), ..Beside::default() };
    let added = Added { host: None, upgrade: Some(&upgrade), trailers: true, beside: &beside };
    let message = Message::new(&parts, &added, Outbound::Empty);
    let expected = "GET / HTTP/1.1\r\nx-forwarded-for: 10.0.0.1\r\nte: trailers\r\nconnection: te, upgrade\r\nupgrade: websocket\r\n\r\n";
    assert_eq!(text(&message), expected);
}

#[test]
fn a_body_is_held_to_its_length() {
    let mut full = message(Method::PUT, &[], whole(b"hello"));
    assert_eq!(
        full.data(Bytes::from_static(b"hel")),
        Ok(Piece { data: Bytes::from_static(b"hel"), ..Piece::default() })
    );
    assert_eq!(full.data(Bytes::from_static(b"lo!")), Err(WrongLength));
    assert!(full.data(Bytes::from_static(b"lo")).is_ok() && full.is_whole());
    let mut short = message(Method::PUT, &[], whole(b"hello"));
    assert_eq!(short.end(&HeaderMap::new()), Err(WrongLength));
}

#[test]
fn chunks_are_framed_and_only_announced_trailers_follow() {
    let mut chunked = message(Method::PUT, &[("trailer", "x-sum, content-length")], whole(b"hello"));
    assert!(text(&chunked).ends_with("transfer-encoding: chunked\r\n\r\n"));
    let piece = chunked.data(Bytes::from(vec![b'a'; 26])).unwrap();
    assert_eq!((&piece.before[..], piece.data.len(), piece.after), (&b"1a\r\n"[..], 26, &b"\r\n"[..]));
    // A chunk of no bytes would be the end.
    assert!(chunked.data(Bytes::new()).unwrap().is_empty() && !chunked.is_whole());
    let trailers = [("x-sum", "7"), ("content-length", "1"), ("x-other", "1")];
    let trailers = trailers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let end = chunked.end(&trailers.into_iter().collect()).unwrap();
    assert_eq!((&end.before[..], end.after), (&b"0\r\nx-sum: 7\r\n"[..], &b"\r\n"[..]));
    assert!(chunked.is_whole());
}
