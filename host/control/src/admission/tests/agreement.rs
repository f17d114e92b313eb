//! What admission refuses is what the compiler would list, for any Ingress among any others.

use std::collections::BTreeMap;
use std::sync::Arc;

use cardea_model::compile::{Options, compile};
use cardea_model::config::{Config, Ingress, IngressBackend, IngressPath, IngressRule, IngressTls, ServicePortRef};
use cardea_model::problem::{Origin, Problem, Severity};
use proptest::prelude::{Just, Strategy, any, prop};
use proptest::sample::select;
use proptest::{prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::kit::{WORLD, config, index};
use crate::admission::check;
use crate::file::Object;

fn backend() -> impl Strategy<Value = IngressBackend> {
    let service = (select(&["web", "outside", "none"][..]), select(&[80_u16, 53, 9][..]));
    prop_oneof![
        8 => service.prop_map(|(name, port)| IngressBackend::Service { name: name.into(), port: ServicePortRef::Number(port) }),
        1 => Just(IngressBackend::Resource { group: String::new(), kind: "Bucket".into(), name: "b".into() }),
        1 => Just(IngressBackend::Invalid { message: "names nothing".into() }),
    ]
}

fn path() -> impl Strategy<Value = IngressPath> {
    let paths = select(&["/", "/a", "/a/", "/a/../b", "a", "/%zz", "", "/a*"][..]);
    let kinds = select(&["Exact", "Prefix", "Prefix", "ImplementationSpecific", "Regex"][..]);
    (paths, kinds, backend()).prop_map(|(path, kind, backend)| IngressPath {
        path: Some(path.into()),
        path_type: Some(kind.into()),
        backend,
    })
}

fn rules() -> impl Strategy<Value = Vec<IngressRule>> {
    let hosts = select(&["a.test", "A.test", "*.test", "", "10.0.0.1", "b.test"][..]);
    let paths = prop::option::weighted(0.9, prop::collection::vec(path(), 0..3));
    let rule = (hosts, paths).prop_map(|(host, paths)| IngressRule { host: Some(host.into()), paths });
    prop::collection::vec(rule, 0..3)
}

fn annotations() -> impl Strategy<Value = BTreeMap<String, String>> {
    let one = select(
        &[
            ("cardea.dev/policies", "guard"),
            ("cardea.dev/policies", "none"),
            ("cardea.dev/policies", "guard,guard"),
            ("cardea.dev/backends", "x=web:80"),
            ("cardea.dev/backends", "x"),
            ("cardea.dev/load-balance", "least-request"),
            ("cardea.dev/load-balance", "worst"),
            ("cardea.dev/odd", "1"),
            ("kubernetes.io/ingress.class", "nginx"),
        ][..],
    );
    prop::collection::vec(one, 0..3)
        .prop_map(|all| all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn ingress() -> impl Strategy<Value = Ingress> {
    let class = select(&["cardea", "cardea", "cardea", "cardea", "nginx", "none"][..]);
    let tls = prop::collection::vec(
        (select(&["a.test", "*", "10.0.0.1"][..]), select(&["shop-tls", "none", ""][..]))
            .prop_map(|(host, secret)| IngressTls { hosts: vec![host.into()], secret_name: Some(secret.into()) }),
        0..2,
    );
    let age = prop::option::of(0_i64..4);
    (select(&["shop", "rival"][..]), age, class, annotations(), prop::option::weighted(0.3, backend()), rules(), tls)
        .prop_map(|(namespace, created, class, annotations, default_backend, rules, tls)| Ingress {
            origin: Origin {
                source: "cluster".into(),
                document: 0,
                kind: "Ingress",
                namespace: namespace.into(),
                name: "".into(),
            },
            created,
            class_name: Some(class.into()),
            annotations,
            default_backend,
            rules,
            tls,
        })
}

/// Several Ingresses, each of its own name.
fn crowd() -> impl Strategy<Value = Vec<Ingress>> {
    prop::collection::vec(ingress(), 1..6).prop_map(|mut all| {
        for (at, ingress) in all.iter_mut().enumerate() {
            ingress.origin.name = format!("i{at}").into();
        }
        all
    })
}

fn errors<'a>(problems: &'a [Problem], of: &'a Origin) -> impl Iterator<Item = &'a Problem> {
    problems.iter().filter(move |problem| problem.origin == *of && problem.severity == Severity::Error)
}

proptest! {
    #[test]
    fn admission_refuses_what_the_compiler_lists_as_an_error(crowd in crowd(), at in any::<prop::sample::Index>()) {
        let mut world: Config = config(WORLD);
        world.ingresses.clear();
        let at = at.index(crowd.len());
        let asked = Arc::new(crowd[at].clone());
        world.ingresses = crowd.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, ingress)| Arc::new(ingress.clone())).collect();
        let told = check(&index(&world), &Object::Ingress(Arc::clone(&asked)), None);
        world.ingresses.push(Arc::clone(&asked));
        let (_, listed) = compile(&world, &Options::default());

        let usurps = |problem: &&Problem| problem.message.contains("would lose them to this one");
        let mut refused: Vec<_> = errors(&told, &asked.origin).filter(|problem| !usurps(problem)).collect();
        let mut expected: Vec<_> = errors(&listed, &asked.origin).collect();
        refused.sort();
        expected.sort();
        prop_assert_eq!(refused, expected);

        // What it would take from others, the compiler tells to them.
        for problem in told.iter().filter(usurps) {
            let by = format!("Ingress {}/{}, which is older,", asked.origin.namespace, asked.origin.name);
            prop_assert!(listed.iter().any(|listed| listed.message.starts_with(&by) && listed.severity == problem.severity));
        }
    }
}
