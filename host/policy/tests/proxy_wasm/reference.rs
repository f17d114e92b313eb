//! The benchmarks' plugin decides as the reference policy does.

use std::sync::Arc;

use cardea_policy::{Run, Step, Target};

use crate::support::{Worker, chain, exchange, spec};

fn play(uri: &str, field: Option<(&'static str, &'static str)>) -> (Run, Step, Option<String>) {
    let module = wat::parse_str(include_str!("../../../../bench/proxy-wasm-policy/reference.wat")).unwrap();
    let mut worker = Worker::default();
    let policy = worker.try_load(spec("reference", &module)).unwrap();
    let mut exchange = exchange();
    exchange.request.uri = uri.parse().unwrap();
    if let Some((name, value)) = field {
        exchange.request.headers.insert(name, value.parse().unwrap());
    }
    let (run, step) = worker.chain(&chain(&[policy]), &mut exchange);
    let mark = exchange.request.headers.get("x-policy").map(|value| value.to_str().unwrap().to_owned());
    (run, step, mark)
}

#[test]
fn a_canary_goes_to_its_backend() {
    let (run, step, mark) = play("/admin", Some(("x-canary", "1")));
    assert!(matches!(step, Step::Forward));
    assert_eq!((run.target, mark), (Some(Target::Backend(Arc::from("canary"))), None));
    assert_eq!(play("/", Some(("x-canary", "12"))).0.target, None);
}

#[test]
fn the_admin_path_needs_authorization() {
    for path in ["/admin", "/admin/x", "/admin?a=b"] {
        let (_, step, _) = play(path, None);
        assert!(matches!(step, Step::Reply(reply) if reply.status == 401), "{path}");
        assert!(matches!(play(path, Some(("authorization", "x"))).1, Step::Forward), "{path}");
    }
}

#[test]
fn all_else_is_marked() {
    for path in ["/", "/adm", "/administrator", "/x/admin"] {
        let (_, step, mark) = play(path, None);
        assert!(matches!(step, Step::Forward), "{path}");
        assert_eq!(mark.as_deref(), Some("cardea"), "{path}");
    }
}
