#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use http::HeaderMap;

use super::send::Send;
use super::text;

fn send(yaml: &str) -> Send {
    serde_yaml::from_str(yaml).unwrap()
}

fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

#[test]
fn an_empty_request_is_a_get_of_the_root_over_tls() {
    let exchange = send("{}").exchange().unwrap();
    assert_eq!((exchange.request.method.as_str(), exchange.request.uri.path()), ("GET", "/"));
    assert_eq!((exchange.scheme, exchange.authority()), ("https", "shop.test"));
    assert_eq!(exchange.client.to_string(), "192.0.2.1");
    assert_eq!(exchange.peer.sni.as_deref(), Some("shop.test"));
    assert_eq!(values(&exchange.request.headers, "x-forwarded-for"), ["192.0.2.1"], "as the ingress adds it");
}

#[test]
fn every_key_reaches_the_exchange() {
    let yaml = "{ method: POST, scheme: http, host: 'Shop.Test:8080', path: '/a/../b?c=1', client: '2001:db8::1', \
                headers: { X-A: [one, two], x-n: 5 }, after: 250ms, attributes: { route.name: shop, http.version: '2' } }";
    let send = send(yaml);
    let exchange = send.exchange().unwrap();
    assert_eq!(exchange.request.method, "POST");
    assert_eq!((exchange.scheme, exchange.authority(), exchange.peer.tls), ("http", "shop.test:8080", false));
    assert_eq!((exchange.request.uri.path(), exchange.request.uri.query()), ("/b", Some("c=1")), "normalised");
    assert_eq!(exchange.raw_path.as_deref(), Some("/a/../b"));
    assert_eq!(exchange.client.to_string(), "2001:db8::1");
    assert_eq!(values(&exchange.request.headers, "x-a"), ["one", "two"]);
    assert_eq!(values(&exchange.request.headers, "x-n"), ["5"]);
    assert_eq!(&*exchange.route, "default/shop");
    assert_eq!(exchange.request.version, http::Version::HTTP_2);
    assert_eq!(send.after(), Ok(Duration::from_millis(250)));
}

#[test]
fn a_mistake_names_its_key_and_what_may_stand_there() {
    let error = |yaml: &str| {
        let send = send(yaml);
        send.after().err().or(send.exchange().err()).unwrap()
    };
    for (yaml, key, part) in [
        ("{ method: 'G T' }", "method", "GET"),
        ("{ path: cart }", "path", "does not begin with /"),
        ("{ path: '/../x' }", "path", "above the root"),
        ("{ host: 'a b' }", "host", "a b"),
        ("{ headers: { host: a } }", "headers", "key `host`"),
        ("{ headers: { content-length: '1' } }", "headers", "never sees"),
        ("{ headers: { 'a b': c } }", "headers", "not a header name"),
        ("{ headers: { a: \"b\\nc\" } }", "headers", "control character"),
        ("{ after: 5 minutes }", "after", "a whole number"),
        ("{ after: '5' }", "after", "us, ms, s, m or h"),
        ("{ attributes: { tls.cipher: x } }", "attributes.tls.cipher", "tls.sni"),
        ("{ attributes: { source.port: x } }", "attributes.source.port", "not a port"),
    ] {
        let error = error(yaml);
        assert!(error.starts_with(key) && error.contains(part), "{yaml}: {error}");
    }
}

#[test]
fn a_misspelt_key_and_a_number_with_a_fraction_are_refused() {
    let error = |yaml: &str| serde_yaml::from_str::<Send>(yaml).unwrap_err().to_string();
    assert!(error("{ pth: / }").contains("unknown field `pth`"));
    assert!(error("{ headers: { x: 1.10 } }").contains("quote it"));
    assert!(error("{ client: nobody }").contains("IP address"));
}

#[test]
fn http_text_becomes_a_request() {
    let send =
        text::parse("POST /a?b=1 HTTP/1.1\r\nHost: x.test\r\nContent-Length: 2\r\nX-A: 1\r\nx-a: 2\r\n\r\nhi").unwrap();
    assert_eq!((send.method.as_deref(), send.path.as_deref()), (Some("POST"), Some("/a?b=1")));
    assert_eq!((send.host.as_deref(), send.body.as_deref()), (Some("x.test"), Some("hi")));
    assert_eq!(values(&send.headers.to_map().unwrap(), "x-a"), ["1", "2"]);
    assert!(send.exchange().is_ok(), "framing fields are dropped");
    assert!(text::parse("GET / HTTP/1.1\nbroken\n").unwrap_err().starts_with("line 2"));
}

#[test]
fn only_a_request_line_makes_http_text() {
    assert!(text::is_http("GET / HTTP/1.1\n"));
    assert!(!text::is_http("path: /") && !text::is_http("") && !text::is_http("send: { a: b }"));
}
