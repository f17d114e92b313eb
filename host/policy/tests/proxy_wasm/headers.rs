//! Heads: what guests read, what they may write, and local replies.

use cardea_policy::{Reply, ResponseStep, Step};
use http::{HeaderValue, StatusCode};

use crate::guest::{Guest, pairs};
use crate::support::exchange;
use crate::{Bench, answered};

const GET_16: &str = "(i32.const 16) (i32.const 20)";

#[test]
fn a_guest_reads_fields_and_pseudo_headers() {
    let guest = Guest::default().request_headers(&format!(
        "(call $is (i32.const 8) (local.get $count))
         (call $is (i32.const 0) (call $get (i32.const 0) «:path» {GET_16})) (call $same «/cart?user=a%20b&x=1»)
         (call $is (i32.const 0) (call $get (i32.const 0) «:authority» {GET_16})) (call $same «shop.test»)
         (call $is (i32.const 0) (call $get (i32.const 0) «:method» {GET_16})) (call $same «GET»)
         (call $is (i32.const 0) (call $get (i32.const 0) «User-Agent» {GET_16})) (call $same «test/1»)
         (call $is (i32.const 1) (call $get (i32.const 0) «x-absent» {GET_16}))
         (call $is (i32.const 1) (call $get (i32.const 2) «:status» {GET_16}))
         (i32.const 0)"
    ));
    let mut bench = Bench::new(&guest);
    let run = bench.forward(&mut exchange());
    let reads = run.reads(&run.decided[0]);
    assert_eq!(reads, ["method", "authority", "path", "header:user-agent", "header:x-absent"]);
}

#[test]
fn in_the_first_version_an_absent_field_is_empty_and_headers_come_without_an_end() {
    let guest = Guest::default().version("proxy_abi_version_0_1_0").on(
        "proxy_on_request_headers",
        "(param $context i32) (param $count i32) (result i32)",
        &format!(
            "(call $is (i32.const 0) (call $get (i32.const 0) «x-absent» {GET_16})) (call $same «»)
             (i32.const 0)"
        ),
    );
    Bench::new(&guest).forward(&mut exchange());
}

#[test]
fn a_guest_edits_the_head() {
    let guest = Guest::default().request_headers(
        "(call $is (i32.const 0) (call $replace (i32.const 0) «X-Policy» «  on »))
         (call $is (i32.const 0) (call $add (i32.const 0) «accept» «a/b»))
         (call $is (i32.const 0) (call $remove (i32.const 0) «cookie»))
         (call $is (i32.const 0) (call $remove (i32.const 0) «x-absent»))
         (call $is (i32.const 0) (call $replace (i32.const 0) «:path» «/new/./x?y=1»))
         (call $is (i32.const 0) (call $replace (i32.const 0) «host» «Other.test»))
         (i32.const 0)",
    );
    let mut exchange = exchange();
    Bench::new(&guest).forward(&mut exchange);
    let headers = &exchange.request.headers;
    assert_eq!(headers["x-policy"], "on");
    assert_eq!(headers.get_all("accept").iter().count(), 3);
    assert!(!headers.contains_key("cookie"));
    assert_eq!(exchange.request.uri, "/new/x?y=1");
    assert_eq!(exchange.authority(), "other.test");
}

#[test]
fn an_edit_that_breaks_a_rule_is_refused_and_changes_nothing() {
    let guest = Guest::default().request_headers(
        "(call $is (i32.const 2) (call $replace (i32.const 0) «x y» «v»))
         (call $is (i32.const 2) (call $replace (i32.const 0) «x-a» «a\rb»))
         (call $is (i32.const 2) (call $replace (i32.const 0) «transfer-encoding» «chunked»))
         (call $is (i32.const 2) (call $replace (i32.const 0) «x-forwarded-for» «1.1.1.1»))
         (call $is (i32.const 2) (call $remove (i32.const 0) «x-forwarded-for»))
         (call $is (i32.const 2) (call $remove (i32.const 0) «:path»))
         (call $is (i32.const 2) (call $replace (i32.const 0) «:path» «http://other.test/»))
         (call $is (i32.const 2) (call $replace (i32.const 0) «:method» «CONNECT»))
         (call $is (i32.const 2) (call $replace (i32.const 0) «:new» «v»))
         (call $is (i32.const 2) (call $replace (i32.const 6) «x-a» «v»))
         (call $is (i32.const 2) (call $replace (i32.const 99) «x-a» «v»))
         (call $is (i32.const 0) (call $replace (i32.const 0) «content-length» «5»))
         (call $is (i32.const 0) (call $remove (i32.const 0) «content-length»))
         (i32.const 0)"
            .replace("\\r", "\r")
            .as_str(),
    );
    let (mut edited, untouched) = (exchange(), exchange());
    Bench::new(&guest).forward(&mut edited);
    assert_eq!(edited.request.headers, untouched.request.headers);
    assert_eq!(edited.request.uri, untouched.request.uri);
}

#[test]
fn a_granted_policy_writes_identity_fields() {
    let guest = Guest::default().request_headers(
        "(call $is (i32.const 0) (call $replace (i32.const 0) «x-forwarded-for» «1.1.1.1»)) (i32.const 0)",
    );
    let mut bench = Bench::with(&guest, |spec| spec.grants.headers = vec![String::from("x-forwarded-for")]);
    let mut exchange = exchange();
    exchange.beside.forwarded_for = Some("9.9.9.9".parse().unwrap());
    bench.forward(&mut exchange);
    assert_eq!(exchange.request.headers["x-forwarded-for"], "1.1.1.1");
    assert!(exchange.beside.forwarded_for.is_none());
}

#[test]
fn a_map_can_be_replaced_as_a_whole() {
    let map = pairs(&[(":path", "/other"), ("x-new", "1"), ("x-new", "2")]);
    let bad = pairs(&[(":path", "/bad"), ("te", "trailers")]);
    let half = pairs(&[(":path", "/half"), (":authority", "no host")]);
    let guest = Guest::default().request_headers(&format!(
        "(call $is (i32.const 2) (call $set_pairs (i32.const 0) «{bad}»))
         (call $is (i32.const 2) (call $set_pairs (i32.const 0) «{half}»))
         (call $is (i32.const 2) (call $set_pairs (i32.const 0) «nonsense»))
         (call $is (i32.const 0) (call $get (i32.const 0) «:path» {GET_16})) (call $same «/cart?user=a%20b&x=1»)
         (call $is (i32.const 0) (call $set_pairs (i32.const 0) «{map}»))
         (call $is (i32.const 0) (call $pairs (i32.const 0) {GET_16}))
         (i32.const 0)"
    ));
    let mut exchange = exchange();
    Bench::new(&guest).forward(&mut exchange);
    assert_eq!(exchange.request.uri, "/other");
    assert_eq!(exchange.request.headers.len(), 2);
    assert_eq!(exchange.authority(), "shop.test");
}

#[test]
fn a_local_reply_ends_the_request() {
    let headers = pairs(&[("x-why", "no"), ("content-length", "999")]);
    let guest = Guest::default().request_headers(&format!(
        "(call $is (i32.const 0) (call $reply (i32.const 403) «details» «go away» «{headers}» (i32.const -1)))
         (i32.const 1)"
    ));
    let mut bench = Bench::new(&guest);
    let (run, Step::Reply(reply)) = bench.head(&mut exchange()) else { panic!("no reply") };
    assert_eq!((reply.status, &*reply.body), (StatusCode::FORBIDDEN, &b"go away"[..]));
    assert_eq!(reply.headers.len(), 1);
    assert_eq!(run.decided[0].kind, cardea_policy::DecisionKind::Respond);
}

#[test]
fn a_reply_that_breaks_a_rule_is_refused() {
    let (framing, wide) = (pairs(&[("connection", "close")]), pairs(&[("x", "a\nb")]));
    let guest = Guest::default().request_headers(&format!(
        "(call $is (i32.const 2) (call $reply (i32.const 99) «» «» «» (i32.const -1)))
         (call $is (i32.const 2) (call $reply (i32.const 65736) «» «» «» (i32.const -1)))
         (call $is (i32.const 2) (call $reply (i32.const 200) «» «» «{framing}» (i32.const -1)))
         (call $is (i32.const 2) (call $reply (i32.const 200) «» «» «{wide}» (i32.const -1)))
         (i32.const 0)"
    ));
    Bench::new(&guest).forward(&mut exchange());
}

fn reply_to(content_type: &'static str, grpc: i32) -> Reply {
    let reply = format!("(call $reply (i32.const 403) «» «not 100%» «» (i32.const {grpc}))");
    let guest = Guest::default().request_headers(&format!("(call $is (i32.const 0) {reply}) (i32.const 1)"));
    let mut exchange = exchange();
    exchange.request.headers.insert("content-type", HeaderValue::from_static(content_type));
    let (_, Step::Reply(reply)) = Bench::new(&guest).head(&mut exchange) else { panic!("no reply") };
    reply
}

#[test]
fn clients_of_grpc_get_a_status_of_grpc() {
    for (content_type, grpc, status) in [
        ("application/grpc", 5, "5"),
        ("application/grpc+proto", 0, "0"),
        // Permission denied, as the status of HTTP says.
        ("application/grpc;charset=x", -1, "7"),
    ] {
        let reply = reply_to(content_type, grpc);
        assert_eq!((reply.status.as_u16(), &reply.headers["grpc-status"]), (200, &HeaderValue::from_static(status)));
        assert_eq!(reply.headers["grpc-message"], "not 100%25");
        assert!(reply.body.is_empty());
    }
}

#[test]
fn other_clients_are_replied_to_by_http() {
    for (content_type, grpc) in [("text/plain", 7), ("application/grpc-web", 0), ("application/json", -1)] {
        let reply = reply_to(content_type, grpc);
        assert_eq!((reply.status.as_u16(), &*reply.body), (403, &b"not 100%"[..]));
        assert!(!reply.headers.contains_key("grpc-status"));
    }
}

#[test]
fn a_response_head_is_read_and_edited() {
    let guest = Guest::default().response_headers(&format!(
        "(call $is (i32.const 0) (call $get (i32.const 2) «:status» {GET_16})) (call $same «200»)
         (call $is (i32.const 0) (call $replace (i32.const 2) «:status» «404»))
         (call $is (i32.const 2) (call $remove (i32.const 2) «:status»))
         (call $is (i32.const 0) (call $remove (i32.const 2) «server»))
         (call $is (i32.const 0) (call $add (i32.const 2) «x-policy» «on»))
         (call $is (i32.const 0) (call $replace (i32.const 0) «x-late» «1»))
         (i32.const 0)"
    ));
    let mut bench = Bench::new(&guest);
    let mut exchange = exchange();
    let mut run = bench.forward(&mut exchange);
    assert!(run.wants_response());
    answered(&mut exchange);
    assert!(matches!(run.on_response(&mut bench.worker.instances, &mut exchange), ResponseStep::Forward));
    let head = exchange.response.as_ref().unwrap();
    assert_eq!((head.status, head.headers.len()), (StatusCode::NOT_FOUND, 1));
    assert!(!exchange.request.headers.contains_key("x-late"), "the request is gone");
}

#[test]
fn a_response_can_be_replaced() {
    let guest = Guest::default()
        .response_headers("(drop (call $reply (i32.const 418) «» «tea» «» (i32.const -1))) (i32.const 1)");
    let mut bench = Bench::new(&guest);
    let mut exchange = exchange();
    let mut run = bench.forward(&mut exchange);
    answered(&mut exchange);
    match run.on_response(&mut bench.worker.instances, &mut exchange) {
        ResponseStep::Replace(reply) => assert_eq!((reply.status.as_u16(), &*reply.body), (418, &b"tea"[..])),
        other => panic!("not replaced: {other:?}"),
    }
}

#[test]
fn closing_a_stream_answers_without_the_backend() {
    let guest = Guest::default().request_headers("(call $is (i32.const 0) (call $close (i32.const 0))) (i32.const 1)");
    let (_, Step::Reply(reply)) = Bench::new(&guest).head(&mut exchange()) else { panic!("no reply") };
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn a_backend_is_chosen_by_a_foreign_function() {
    let route = |name: &str| {
        Guest::default().request_headers(&format!(
            "(call $is (i32.const 0) (call $foreign «cardea_route» «{name}» (i32.const 0) (i32.const 0)))
             (call $is (i32.const 1) (call $foreign «other» «x» {GET_16}))
             (i32.const 0)"
        ))
    };
    let mut exchange = exchange();
    let run = Bench::new(&route("canary")).forward(&mut exchange);
    assert_eq!(run.target, Some(cardea_policy::Target::Backend("canary".into())));
    assert_eq!(
        Bench::new(&route("unknown")).failure(),
        cardea_policy::Failure::UnknownBackend(String::from("unknown"))
    );
}

#[test]
fn properties_are_those_of_the_exchange() {
    let guest = Guest::default().request_headers(&format!(
        "(call $is (i32.const 0) (call $property «request\\0url_path» {GET_16})) (call $same «/cart»)
         (call $is (i32.const 0) (call $property «request\\0query» {GET_16})) (call $same «user=a%20b&x=1»)
         (call $is (i32.const 0) (call $property «request\\0headers\\0user-agent» {GET_16})) (call $same «test/1»)
         (call $is (i32.const 0) (call $property «plugin_name» {GET_16})) (call $same «test/plugin»)
         (call $is (i32.const 0) (call $property «route_name» {GET_16})) (call $same «test/shop»)
         (call $is (i32.const 0) (call $property «source\\0port» {GET_16})) (call $is (i32.const 8) (i32.load (i32.const 20)))
         (call $is (i32.const 1) (call $property «response\\0code» {GET_16}))
         (call $is (i32.const 1) (call $property «made\\0up» {GET_16}))
         (call $is (i32.const 0) (call $set_property «my\\0own» «value»))
         (call $is (i32.const 0) (call $property «my\\0own» {GET_16})) (call $same «value»)
         (i32.const 0)"
    ));
    let mut exchange = exchange();
    Bench::new(&guest).forward(&mut exchange);
    assert_eq!(exchange.notes, [(String::from("wasm.my.own"), b"value".to_vec())]);
}
