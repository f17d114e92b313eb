#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::compile::compile;
use crate::compile::tests::kit::{class, ingress, policy, secret, service, with};
use crate::config::{Config, IngressClass, Limits, Policy, Service, ServicePortRef, TlsSecret, Upstream};
use crate::snapshot::{Action, Route};

/// Everything that may be declared, by kind and name; each in a few versions.
#[derive(Debug, Clone, Default)]
struct World {
    classes: BTreeMap<usize, Arc<IngressClass>>,
    ingresses: BTreeMap<usize, Arc<Ingress>>,
    services: BTreeMap<usize, Arc<Service>>,
    secrets: BTreeMap<usize, Arc<TlsSecret>>,
    policies: BTreeMap<usize, Arc<Policy>>,
}

/// What happens to one object: of which kind, which one, and how it is after; 0 is gone.
#[derive(Debug, Clone, Copy)]
struct Edit {
    kind: usize,
    name: usize,
    version: usize,
}

fn edit() -> impl Strategy<Value = Edit> {
    let kind = prop_oneof![12 => Just(0usize), 3 => Just(1), 3 => Just(2), 2 => Just(3), 1 => Just(4)];
    (kind, 0usize..9, 0usize..400).prop_map(|(kind, name, version)| Edit { kind, name, version })
}

impl World {
    fn edit(&mut self, Edit { kind, name, version }: Edit) {
        let gone = version % 4 == 0;
        let put = |gone: bool| !gone;
        match kind {
            0 => keep(&mut self.ingresses, name, put(gone).then(|| an_ingress(name, version))),
            1 => keep(&mut self.services, name % 3, put(gone).then(|| a_service(name % 3, version))),
            2 => keep(&mut self.policies, name % 3, put(gone).then(|| a_policy(name % 3, version))),
            3 => keep(&mut self.secrets, name % 2, put(gone).then(|| a_secret(name % 2, version))),
            _ => keep(&mut self.classes, name % 3, put(gone).then(|| a_class(name % 3, version))),
        }
    }

    fn config(&self) -> Config {
        Config {
            classes: self.classes.values().cloned().collect(),
            ingresses: self.ingresses.values().cloned().collect(),
            services: self.services.values().cloned().collect(),
            secrets: self.secrets.values().cloned().collect(),
            policies: self.policies.values().cloned().collect(),
            ..Config::default()
        }
    }
}

/// An equal object stays the same one, but now and then.
fn keep<T: PartialEq>(map: &mut BTreeMap<usize, Arc<T>>, name: usize, object: Option<T>) {
    match object {
        Some(object) => match map.get(&name) {
            Some(same) if **same == object && name.is_multiple_of(2) => {}
            _ => _ = map.insert(name, Arc::new(object)),
        },
        None => _ = map.remove(&name),
    }
}

fn an_ingress(name: usize, version: usize) -> Ingress {
    const HOSTS: [&str; 4] = ["a.test", "b.test", "*.test", ""];
    const PATHS: [&str; 7] = [
        "Prefix / web:80",
        "Prefix /x next:80",
        "Exact /x web:http",
        "Prefix /x/ web:grpc",
        "wrong /y web:80",
        "Exact /y single:80",
        "Prefix /x web:80",
    ];
    let bit = |number: usize| version >> number & 1 != 0;
    let mut declared = ingress(["p", "q", "r"][name % 3]).of(["shop", "other", "shop"][name / 3]);
    declared.origin.name = format!("{}{}", declared.origin.name, name / 6).into();
    declared.created = [None, Some(1), Some(2), None, Some(1)][version % 5];
    if !version.is_multiple_of(7) {
        let count = 1 + version % 3;
        let paths: Vec<&str> = (0..count).map(|at| PATHS[(version / 3 + at * 2) % PATHS.len()]).collect();
        declared = declared.rule(HOSTS[version % 4], &paths);
    }
    if version % 5 == 1 {
        declared = declared.bare_rule(HOSTS[(version / 5) % 3]).default_to("next:80");
    } else if version.is_multiple_of(7) {
        declared = declared.default_to(["web:80", "gone:80"][version / 7 % 2]);
    }
    if bit(2) {
        declared = declared.annotated("cardea.dev/policies", ["one", "two, one", "one,three", ""][version / 8 % 4]);
    }
    if bit(3) && bit(5) {
        declared =
            declared.annotated("cardea.dev/backends", ["n=next:80", "n=next:81,m=web:http", "n"][version / 16 % 3]);
    }
    if bit(4) {
        declared = declared.annotated("cardea.dev/load-balance", ["least-request", "round-robin", "odd"][version % 3]);
    }
    if bit(6) {
        declared = declared.annotated("cardea.dev/backend-protocol", ["h2c", "http"][version % 2]);
        declared = declared.secured(&[HOSTS[version % 3]], ["s", "t"][version / 2 % 2]);
    }
    declared.class_name = [Some("cardea"), Some("cardea"), Some("second"), None][version / 32 % 4].map(Into::into);
    declared
}

fn a_service(name: usize, version: usize) -> Service {
    const PORTS: [&[&str]; 3] =
        [&["http:80", "grpc:81:TCP:kubernetes.io/h2c"], &["http:80:TCP:https"], &["http:8080", "grpc:81:UDP"]];
    let mut service = service(["web", "next", "single"][name], PORTS[version % 3]);
    service.origin.document = 1 + (version % 2) as u32;
    service
}

fn a_policy(name: usize, version: usize) -> Policy {
    let mut policy = policy(["one", "two", "three"][name]);
    policy.limits = Limits { body_bytes_max: [0, 1 << 10, u32::MAX][version % 3], ..Limits::default() };
    let (service, port) = (["web", "next", "gone"][version / 3 % 3].into(), ServicePortRef::Number(80));
    if version.is_multiple_of(2) {
        policy.grants.upstreams.push(Upstream { name: "auth".into(), service, port });
    }
    policy
}

fn a_secret(name: usize, version: usize) -> TlsSecret {
    TlsSecret { key_pem: Arc::from([(version % 2) as u8]), ..secret(["s", "t"][name]) }
}

fn a_class(name: usize, version: usize) -> IngressClass {
    let mut class = class(["cardea", "second", "foreign"][name], ["cardea.dev/ingress", "else.where"][version % 2]);
    class.is_default = version.is_multiple_of(3);
    class
}

/// What a route means, without numbers.
fn meaning(snapshot: &Snapshot, route: &Route) -> String {
    let backend = |id: &BackendId| snapshot.backends.get(id.0 as usize).unwrap();
    let action = match &route.action {
        Action::Forward(id) => format!("{:?}", backend(id)),
        Action::Answer => String::from("policy"),
        Action::Unavailable(why) => why.to_string(),
    };
    let chain = route.chain.map(|id| snapshot.chains.get(id.0 as usize).unwrap());
    let chain: Option<Vec<_>> =
        chain.map(|ids| ids.iter().map(|id| snapshot.policies.get(id.0 as usize).unwrap()).collect());
    let named: Vec<_> = route.named.iter().map(|(name, id)| (name, backend(id))).collect();
    let Route { name, origin, host, path, kind, options, .. } = route;
    format!("{name} {origin:?} {host} {path} {kind:?} {action} {chain:?} {named:?} {options:?}")
}

fn meanings(snapshot: &Snapshot) -> Vec<String> {
    let mut all: Vec<String> = snapshot.routes.iter().map(|route| meaning(snapshot, route)).collect();
    all.extend(snapshot.backends.iter().map(|backend| format!("{backend:?}")));
    all.extend(snapshot.policies.iter().map(|policy| format!("{policy:?}")));
    let named = |id: &PolicyId| snapshot.policies.get(id.0 as usize).unwrap().origin.name.clone();
    all.extend(snapshot.chains.iter().map(|chain| format!("{:?}", chain.iter().map(named).collect::<Vec<_>>())));
    let backend = |id: &BackendId| snapshot.backends.get(id.0 as usize).unwrap();
    let secrets = |secrets: &[Arc<TlsSecret>]| {
        secrets.iter().map(|secret| format!("{secret:?} {:?}", secret.key_pem)).collect::<Vec<_>>()
    };
    let upstreams = |list: &[(Arc<str>, BackendId)]| {
        format!("{:?}", list.iter().map(|(name, id)| (name, backend(id))).collect::<Vec<_>>())
    };
    all.extend(snapshot.upstreams.iter().map(|(policy, list)| format!("{policy} {}", upstreams(list))));
    all.extend(snapshot.certificates.iter().map(|(host, list)| format!("{host} {:?}", secrets(list))));
    all.sort_unstable();
    all
}

fn check_same(one: &Snapshot, other: &Snapshot) {
    assert_eq!(meanings(one), meanings(other));
    for host in ["a.test", "b.test", "c.test", "x.a.test", "elsewhere"] {
        for path in ["/", "/x", "/x/", "/x/z", "/y", "/y/z"] {
            let answer = |snapshot: &Snapshot| {
                let id = snapshot.index.find(host, path)?;
                Some(meaning(snapshot, snapshot.routes.get(id.0 as usize).unwrap()))
            };
            assert_eq!(answer(one), answer(other), "{host}{path}");
        }
    }
}

/// What is not named as changed is what it was.
fn check_changes(before: &Snapshot, Compiled { snapshot, changes, .. }: &Compiled) {
    fn changed<T>(
        before: &crate::paged::Paged<T>,
        after: &crate::paged::Paged<T>,
        is_same: impl Fn(&T, &T) -> bool,
    ) -> Vec<u32> {
        let differs = |at: &usize| match (before.get(*at), after.get(*at)) {
            (Some(before), Some(after)) => !is_same(before, after),
            (before, after) => before.is_some() || after.is_some(),
        };
        (0..before.bound().max(after.bound())).filter(differs).map(|at| at as u32).collect()
    }
    for id in changed(&before.routes, &snapshot.routes, Arc::ptr_eq) {
        assert!(changes.routes.contains(&RouteId(id)), "route {id}");
    }
    for id in changed(&before.backends, &snapshot.backends, PartialEq::eq) {
        assert!(changes.backends.contains(&BackendId(id)), "backend {id}");
    }
    for id in changed(&before.policies, &snapshot.policies, Arc::ptr_eq) {
        assert!(changes.policies.contains(&PolicyId(id)), "policy {id}");
    }
    for id in changed(&before.chains, &snapshot.chains, Arc::ptr_eq) {
        assert!(changes.chains.contains(&ChainId(id)), "chain {id}");
    }
    for (host, secrets) in snapshot.certificates.iter().chain(before.certificates.iter()) {
        let now =
            |snapshot: &Snapshot| snapshot.certificates.get(host).is_some_and(|other| Arc::ptr_eq(secrets, other));
        assert!(now(snapshot) && now(before) || changes.certificates.contains(host), "{host}");
    }
}

fn names<'a>(served: impl Iterator<Item = &'a Arc<Ingress>>) -> Vec<String> {
    let mut names: Vec<String> = served.map(|ingress| ingress.origin.to_string()).collect();
    names.sort_unstable();
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Rounds of edits; after each, what is kept and what is made anew are the same.
    #[test]
    fn what_is_kept_is_what_is_made_anew(
        rounds in prop::collection::vec((prop::collection::vec(edit(), 1..5), any::<bool>()), 1..20),
        everything in prop::collection::vec(edit(), 0..60),
        watch_ingress_without_class: bool,
    ) {
        let options = Options { watch_ingress_without_class, ..Options::default() };
        let (mut world, mut compiler) = (World::default(), Compiler::new(options.clone()));
        let (mut config, mut before, mut served) = (Config::default(), Snapshot::default(), Vec::new());
        for (edits, draws_again) in [(everything, false)].into_iter().chain(rounds) {
            edits.into_iter().for_each(|edit| world.edit(edit));
            if draws_again {
                compiler.places.draw_again(&mut compiler.units, &compiler.defaults);
            }
            let next = world.config();
            let compiled = compiler.apply(&Difference::between(&config, &next));
            let (fresh, problems) = compile(&next, &options);
            prop_assert_eq!(&*compiled.problems, &*problems);
            check_same(&compiled.snapshot, &fresh);
            check_changes(&before, &compiled);
            let names = names(compiler.served());
            prop_assert_eq!(compiled.changes.served, names != served);
            (config, before, served) = (next, compiled.snapshot, names);
        }
        // With all gone, nothing is left.
        let compiled = compiler.apply(&Difference::between(&config, &Config::default()));
        prop_assert!(compiled.problems.is_empty() && meanings(&compiled.snapshot).is_empty());
    }
}

#[test]
fn the_next_oldest_has_the_place_when_the_oldest_goes_and_the_numbers_stay() {
    let declared = ["b", "a", "c"].map(|name| Arc::new(ingress(name).rule("h", &["Prefix / web:80"])));
    let mut compiler = Compiler::new(Options::default());
    let mut before = Config { ingresses: declared.to_vec(), ..with(Vec::new()) };
    let mut owner = |config: &Config, before: &Config| {
        let compiled = compiler.apply(&Difference::between(before, config));
        let route = compiled.snapshot.index.find("h", "/").unwrap();
        (
            route,
            compiled.snapshot.routes.get(route.0 as usize).unwrap().origin.name.to_string(),
            compiled.problems.len(),
        )
    };
    let (first, name, problems) = owner(&before, &Config::default());
    assert_eq!((name.as_str(), problems), ("a", 2));
    for (gone, name, problems) in [(1, "b", 1), (0, "c", 0)] {
        let mut after = before.clone();
        after.ingresses.remove(gone);
        assert_eq!(owner(&after, &before), (first, name.to_owned(), problems));
        before = after;
    }
}

#[test]
fn what_does_not_depend_on_a_change_is_not_touched() {
    let hosts = |name: &str| ingress(name).rule(&format!("{name}.test"), &["Prefix / web:80"]);
    let before = with(vec![hosts("a"), hosts("b"), hosts("c").annotated("cardea.dev/policies", "one")]);
    let mut before = Config { policies: vec![Arc::new(policy("one"))], ..before };
    let mut compiler = Compiler::new(Options::default());
    compiler.apply(&Difference::between(&Config::default(), &before));
    let mut changes = |after: Config| {
        let changes = compiler.apply(&Difference::between(&before, &after)).changes;
        before = after.clone();
        let Changes { routes, backends, policies, chains, .. } = changes;
        (after, [routes.len(), backends.len(), policies.len(), chains.len()])
    };
    let (mut config, nothing) = changes(with(vec![]));
    assert_ne!(nothing, [0; 4]);
    config.ingresses = ["a", "b", "c"].map(|name| Arc::new(hosts(name))).to_vec();
    let (mut config, _) = changes(config);
    config.ingresses[1] = Arc::new(hosts("b").annotated("cardea.dev/policies", "one"));
    config.policies = vec![Arc::new(policy("one"))];
    let (mut config, with_policy) = changes(config);
    assert_eq!(with_policy, [1, 0, 1, 1]);
    config.policies = vec![Arc::new(a_policy(0, 1))];
    let (mut config, policy_alone) = changes(config);
    assert_eq!(policy_alone, [0, 0, 1, 0]);
    config.policies.clear();
    let (mut config, without_policy) = changes(config);
    assert_eq!(without_policy, [1, 0, 1, 1]);
    config.services.push(Arc::new(service("unused", &["http:80"])));
    assert_eq!(changes(config).1, [0; 4]);
}
