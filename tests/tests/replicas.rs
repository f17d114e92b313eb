//! Replicas share nothing, and still agree on who sees a canary: by cookie, by header and by client; and so does a replica
//! that starts later.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use cardea_tests::client::{self, Connection, Dial, Reply, Request, http1};
use cardea_tests::ingress::{Ingress, Launch, Manifests};
use cardea_tests::scenario::{self, World};
use cardea_tests::wire::{Wire, values};
use serde_json::Value;

const VISITORS: u32 = 100;
const FLAGS: [&str; 4] = ["--workers", "2", "--trusted-proxies", "127.0.0.0/8"];

const SETUP: &str = r#"
promise: replicas agree
backends: { shop: {}, next: {} }
policies:
  cookie: { module: "shipped:canary", spec: { config: { backend: next, percent: 50, sticky: { by: cookie, name: visitor, set-cookie: { max-age: 1h } } }, grants: { interfaces: [random] }, limits: { deadline: 500ms } } }
  header: { module: "shipped:canary", spec: { config: { backend: next, percent: 50, sticky: { by: header, name: x-user } }, grants: { interfaces: [random] }, limits: { deadline: 500ms } } }
  client: { module: "shipped:canary", spec: { config: { backend: next, percent: 50, sticky: { by: client } }, grants: { interfaces: [random] }, limits: { deadline: 500ms } } }
sites:
  cookie.test: { backend: shop, policies: cookie, annotations: { backends: "next=next:80" } }
  header.test: { backend: shop, policies: header, annotations: { backends: "next=next:80" } }
  client.test: { backend: shop, policies: client, annotations: { backends: "next=next:80" } }
steps: [{ get: header.test/, status: 200 }]
"#;

/// One replica, and a connection to it.
struct Replica {
    _ingress: Ingress,
    wire: Wire,
}

impl Replica {
    async fn start(world: &World) -> Self {
        let manifests = Manifests::new().unwrap();
        for file in std::fs::read_dir(world.ingress.manifests.path()).unwrap() {
            let path = file.unwrap().path();
            manifests.write(path.file_name().unwrap().to_str().unwrap(), &std::fs::read(&path).unwrap()).unwrap();
        }
        let launch = Launch { flags: FLAGS.map(str::to_owned).into(), ..Launch::default() };
        let ingress = Ingress::start(manifests, &launch, &world.stage.pulse).await.unwrap();
        let opened = client::open(ingress.http, &Dial::default()).await.unwrap();
        let Connection::Http1(wire) = opened.connection else { panic!("not asked for") };
        Self { _ingress: ingress, wire }
    }

    async fn ask(&mut self, host: &str, field: Option<(&str, &str)>) -> Reply {
        let request = Request {
            fields: field.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ..Request::get(host, "/")
        };
        self.wire.write(&http1::encode(&request)).await.unwrap();
        let reply = http1::reply(&mut self.wire, "GET").await.unwrap();
        assert_eq!(reply.status, 200);
        reply
    }

    /// Whether this visitor sees the canary.
    async fn chooses(&mut self, host: &str, name: &str, value: &str) -> bool {
        is_canary(&self.ask(host, Some((name, value))).await)
    }
}

fn is_canary(reply: &Reply) -> bool {
    let seen: Value = serde_json::from_slice(&reply.body.bytes).unwrap();
    seen["name"] == "next"
}

#[tokio::test]
async fn replicas_agree_on_every_visitor_without_talking() {
    let world = World::build(&scenario::parse(SETUP).unwrap()).await.unwrap();
    let (mut one, mut other) = (Replica::start(&world).await, Replica::start(&world).await);
    let mut chosen = [0_u32; 3];
    let mut earlier = Vec::new();
    for visitor in 0..VISITORS {
        let asked = [
            ("cookie.test", "cookie", format!("a=b; visitor={visitor}")),
            ("header.test", "x-user", format!("user {visitor}")),
            ("client.test", "x-forwarded-for", format!("203.0.113.{visitor}")),
        ];
        for (index, (host, name, value)) in asked.into_iter().enumerate() {
            let choice = one.chooses(host, name, &value).await;
            assert_eq!(choice, other.chooses(host, name, &value).await, "{host} {value}");
            chosen[index] += u32::from(choice);
            earlier.push((host, name, value, choice));
        }
    }
    assert!(chosen.iter().all(|count| (25..75).contains(count)), "{chosen:?} of {VISITORS}: no share");
    // A replica that starts later agrees as well.
    let mut later = Replica::start(&world).await;
    for (host, name, value, choice) in &earlier {
        assert_eq!(later.chooses(host, name, value).await, *choice, "{host} {value}");
    }
}

#[tokio::test]
async fn a_cookie_of_one_replica_keeps_its_visitor_on_the_others() {
    let world = World::build(&scenario::parse(SETUP).unwrap()).await.unwrap();
    let (mut one, mut other) = (Replica::start(&world).await, Replica::start(&world).await);
    let mut cookies = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let first = one.ask("cookie.test", None).await;
        let set = values(&first.fields, "set-cookie").next().expect("a cookie").to_owned();
        assert!(set.ends_with("; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax"), "{set}");
        let pair = set.split(';').next().unwrap().to_owned();
        let second = other.ask("cookie.test", Some(("cookie", &pair))).await;
        assert_eq!(is_canary(&second), is_canary(&first), "{pair}");
        assert_eq!(values(&second.fields, "set-cookie").count(), 0);
        cookies.insert(pair);
    }
    assert_eq!(cookies.len(), 20, "each visitor has a cookie of their own");
}
