//! Modules of other ABIs are swapped under load: no request is lost, and an exchange that has begun ends with the module that it
//! began with, also one whose body is on its way through it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::rc::Rc;

use cardea_tests::client::{Request, http1};
use cardea_tests::guest;
use cardea_tests::ingress::Ingress;
use cardea_tests::scenario::{self, World};
use cardea_tests::swaps::{self, Load, wire};
use cardea_tests::wire::{self, Wire, text};
use serde_json::{Value, json};
use tokio::task::LocalSet;

/// Of each ABI. Every second brings another module, each another configuration.
const SWAPS: u32 = 6;

/// An ABI, and how its module is told which swap it is.
struct Subject {
    abi: &'static str,
    config: fn(u32) -> Value,
    isolation: &'static str,
    /// Whether the end of an answer's body goes through the module, which then says so.
    ends_bodies: bool,
}

const SUBJECTS: [Subject; 4] = [
    Subject {
        abi: "wasi-http",
        config: |swap| json!({"MARK": swap.to_string()}),
        isolation: "pooled",
        ends_bodies: true,
    },
    Subject {
        abi: "proxy-wasm",
        config: |swap| json!(format!("plugin=mark\nmark={swap}")),
        isolation: "pooled",
        ends_bodies: true,
    },
    Subject { abi: "http-wasm", config: |swap| json!(swap.to_string()), isolation: "pooled", ends_bodies: false },
    Subject { abi: "http-wasm", config: |swap| json!(swap.to_string()), isolation: "request", ends_bodies: false },
];

impl Subject {
    fn manifest(&self, swap: u32) -> String {
        let spec = json!({
            "module": {"file": format!("{}-{}.wasm", self.abi, swap / 2 % 2)},
            "config": (self.config)(swap),
            "limits": {"deadline": "500ms"},
            "isolation": self.isolation,
        });
        swaps::manifest(&spec, &[(swaps::HOST, "shop"), (HELD, "held")])
    }

    /// Writes two modules that differ in a custom section.
    fn write(&self, ingress: &Ingress) {
        let name = format!("{}/rust", self.abi);
        let module = if self.abi == "wasi-http" { guest::made(&name) } else { guest::built(&name) }.unwrap();
        let other = [&module[..], b"\x00\x06\x05other"].concat();
        ingress.manifests.write(&format!("{}-0.wasm", self.abi), &module).unwrap();
        ingress.manifests.write(&format!("{}-1.wasm", self.abi), &other).unwrap();
    }
}

/// Where a backend stops within its answers.
const HELD: &str = "held.test";

/// A backend whose connections answer once, and stop in the middle until the gate of their number opens.
fn held() -> Value {
    let script = |number: u32| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nfirst,\r\n";
        json!(["request", {"send": head}, {"gate": format!("swap {number}")}, {"send": "5\r\nlast,\r\n0\r\n\r\n"}])
    };
    json!({"connections": (1..=SWAPS * SUBJECTS.len() as u32).map(script).collect::<Vec<_>>()})
}

/// An exchange that stops in the middle of its answer, and the swap that began it.
async fn half(ingress: &Ingress) -> (Wire, u32) {
    let mut wire = wire(ingress).await.unwrap();
    wire.write(&http1::encode(&Request::get(HELD, "/stream"))).await.unwrap();
    let head = wire.head().await.unwrap().expect("a head");
    let mark = wire::values(&head.fields, "x-policy").next().expect("a mark on the answer").parse().unwrap();
    assert_eq!(wire.chunk().await.unwrap().as_deref(), Some(&b"first,"[..]));
    (wire, mark)
}

/// The rest of its body.
async fn rest(mut wire: Wire) -> String {
    let mut rest = Vec::new();
    while let Some(chunk) = wire.chunk().await.unwrap() {
        rest.extend(chunk);
    }
    text(&rest)
}

async fn play(world: &World, load: &Load, probe: &mut Wire, subject: &Subject, last: u32) -> u32 {
    subject.write(&world.ingress);
    format!("{} {}", subject.abi, subject.isolation).clone_into(&mut load.subject.borrow_mut());
    let (answers, mut number) = (load.answers.get(), last);
    let mut begun = None;
    for _ in 0..SWAPS {
        number += 1;
        load.swap(&world.ingress, probe, &subject.manifest(number), number).await.unwrap();
        if let Some(wire) = begun.take() {
            world.stage.open(&format!("swap {}", number - 1));
            let end = if subject.ends_bodies { (number - 1).to_string() } else { String::new() };
            assert_eq!(rest(wire).await, format!("last,{end}"), "{}: ends with what it began with", subject.abi);
        }
        let (wire, mark) = half(&world.ingress).await;
        assert_eq!(mark, number, "the answer went through the module");
        begun = Some(wire);
    }
    world.stage.open(&format!("swap {number}"));
    drop(begun);
    let answers = load.answers.get() - answers;
    assert!(answers > 40, "{}: only {answers} answers: no load", subject.abi);
    println!("{} {}: {answers} answers over {SWAPS} swaps, none lost", subject.abi, subject.isolation);
    number
}

async fn play_all() {
    let setup = json!({
        "promise": "modules of all ABIs are swapped under load",
        "flags": ["--workers", "2", "--module-cache=${folder}/modules"],
        "backends": {"shop": {}, "held": held()},
        "sites": {"other.test": "shop"},
        "steps": [{"get": "other.test/", "from": "shop"}],
    });
    let world = World::build(&scenario::parse(&setup.to_string()).unwrap()).await.unwrap();
    world.ingress.manifests.write("mark.wasm", &guest::component("mark").unwrap()).unwrap();
    let first = json!({"module": {"file": "mark.wasm"}, "limits": {"deadline": "500ms"}});
    let manifest = swaps::manifest(&first, &[(swaps::HOST, "shop"), (HELD, "held")]);
    world.ingress.apply("swap.yaml", manifest.as_bytes()).await.unwrap();
    let mut probe = wire(&world.ingress).await.unwrap();
    let load = Rc::new(Load::default());
    let clients = load.begin(&world.ingress).await.unwrap();
    let mut last = 0;
    for subject in &SUBJECTS {
        last = play(&world, &load, &mut probe, subject, last).await;
    }
    load.end(clients).await.expect("no client lost a request");
    let seen = load.swaps.borrow().len();
    assert!(seen > last as usize, "only {seen} of {last} swaps were seen");
}

#[test]
fn no_request_is_lost_when_a_module_is_swapped_of_any_abi() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, play_all());
}
