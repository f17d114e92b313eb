use std::time::Duration;

use super::kit::{ingress, serve, with};

const TIMEOUT: &str = "cardea.dev/request-timeout";
const BODY: &str = "cardea.dev/body-size-max";

#[test]
fn a_timeout_is_a_number_with_a_unit() {
    for (text, want) in [
        ("30s", Some(30_000)),
        (" 30s ", Some(30_000)),
        ("500ms", Some(500)),
        ("1m30s", Some(90_000)),
        ("24h", Some(86_400_000)),
        ("30", None),
        ("s", None),
        ("", None),
        ("0s", None),
        ("-1s", None),
        ("+1s", None),
        ("1.5s", None),
        ("30 s", None),
        ("30sec", None),
        ("25h", None),
        ("99999999999999999999s", None),
        ("18446744073709551615h", None),
    ] {
        let served = serve(&with(vec![ingress("a").rule("a", &["Prefix / web:80"]).annotated(TIMEOUT, text)]));
        let route = served.route("a", "/").unwrap();
        assert_eq!(route.options.request_timeout, want.map(Duration::from_millis), "{text:?}");
        assert_eq!(served.problems.len(), usize::from(want.is_none()), "{text:?}");
        assert!(served.answer("a", "/").ends_with("shop/web:80"));
    }
}

#[test]
fn a_size_is_a_kubernetes_quantity() {
    for (text, want) in [
        ("0", Some(0)),
        ("1048576", Some(1 << 20)),
        ("64Ki", Some(64 << 10)),
        ("10Mi", Some(10 << 20)),
        ("2Gi", Some(2 << 30)),
        ("1M", Some(1_000_000)),
        ("10m", None),
        ("10MB", None),
        ("10 Mi", None),
        ("-1", None),
        ("1.5Mi", None),
        ("Mi", None),
        ("99999999999999Ti", None),
    ] {
        let served = serve(&with(vec![ingress("a").rule("a", &["Prefix / web:80"]).annotated(BODY, text)]));
        assert_eq!(served.route("a", "/").unwrap().options.body_bytes_max, want, "{text:?}");
        assert_eq!(served.problems.len(), usize::from(want.is_none()), "{text:?}");
    }
}

#[test]
fn a_setting_that_does_not_exist_is_a_problem() {
    let declared = ingress("a").rule("a", &["Prefix / web:80"]);
    let served =
        serve(&with(vec![declared.annotated("cardea.dev/request-timeuot", "30s").annotated("example.com/other", "x")]));
    served.check_told(&["metadata.annotations[cardea.dev/request-timeuot]: there is no such setting"]);
    assert!(served.problems[0].remedy.contains(TIMEOUT));
}
