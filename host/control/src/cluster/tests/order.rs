//! Property: however the objects were heard of, what serves is what a fresh list of them says.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use cardea_model::config::{Ingress, IngressClass, Service};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, proptest};
use serde_json::Value;

use super::super::named::Wish;
use super::super::stores::{Stores, Terms};
use super::super::watched::{Change, SecretContent, Watched};
use super::super::zone::Hinted;
use super::kit::{
    class, config_map, gone, ingress, policy, secret, service, set, shown, slice, whole, with_annotation, with_secret,
};
use crate::kube::config_map::Binary;
use crate::kube::policy::Declared;

/// One thing that happens in the cluster, to one of a few objects.
#[derive(Debug, Clone)]
struct Step {
    kind: u8,
    object: u8,
    /// 0 deletes, 1 lists the kind anew, others write.
    variant: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u8..7, 0_u8..3, any::<u8>());
    vec(step.prop_map(|(kind, object, variant)| Step { kind, object, variant: variant % 8 }), 0..60)
}

/// The cluster as it truly is.
type Cluster = BTreeMap<(u8, String), Value>;

fn object(step: &Step) -> (String, Value) {
    let Step { kind, object, variant } = step;
    let at = format!("shop/o{object}");
    let value = match kind {
        0 => {
            let name = ["ours", "other", "third"][usize::from(*object)];
            let controller = if variant % 2 == 0 { "cardea.dev/ingress" } else { "example.com/other" };
            return (name.to_owned(), class(name, controller));
        }
        1 => {
            let one = ingress(&at, &format!("h{variant}.test"));
            let one = if variant % 2 == 0 { with_secret(one, &format!("o{}", variant % 3)) } else { one };
            if variant % 3 == 0 { with_annotation(one, "cardea.dev/policies", "o0, o1") } else { one }
        }
        2 => service(&at, 80 + u16::from(*variant)),
        3 => slice(&at, "web", &format!("10.0.0.{variant}")),
        4 => policy(&at, &format!("o{}", variant % 3)),
        5 => secret(&at, ["cGVt", "a2V5"][usize::from(variant % 2)]),
        _ => config_map(&at, ["AGFzbQ==", "AAAA"][usize::from(variant % 2)]),
    };
    (at, value)
}

fn change_of<T: Watched>(cluster: &Cluster, step: &Step, at: &str, value: &Value) -> Change {
    match step.variant {
        0 => gone::<T>(at),
        1 => all_of::<T>(cluster, step.kind),
        _ => set::<T>(value),
    }
}

fn all_of<T: Watched>(cluster: &Cluster, kind: u8) -> Change {
    let objects: Vec<Value> =
        cluster.iter().filter(|((of, _), _)| *of == kind).map(|(_, value)| value.clone()).collect();
    whole::<T>(&objects)
}

/// A watch by name that begins: its first answer.
fn answer(stores: &mut Stores, cluster: &Cluster) {
    loop {
        let wishes = stores.take_wishes();
        if wishes.is_empty() {
            return;
        }
        for wish in wishes {
            let Wish::Watch((kind, name)) = wish else { continue };
            let number = if kind == super::super::kind::Kind::Secret { 5 } else { 6 };
            let found = cluster.get(&(number, name.to_string()));
            stores.apply(match (number, found) {
                (5, Some(value)) => set::<SecretContent>(value),
                (5, None) => gone::<SecretContent>(&name.to_string()),
                (_, Some(value)) => set::<Binary>(value),
                (_, None) => gone::<Binary>(&name.to_string()),
            });
        }
    }
}

fn play(stores: &mut Stores, cluster: &mut Cluster, step: &Step) {
    let (at, value) = object(step);
    // A kind that is watched by name is never listed.
    let step = &Step { variant: if step.kind >= 5 && step.variant == 1 { 2 } else { step.variant }, ..step.clone() };
    match step.variant {
        0 => _ = cluster.remove(&(step.kind, at.clone())),
        1 => {}
        _ => _ = cluster.insert((step.kind, at.clone()), value.clone()),
    }
    stores.apply(match step.kind {
        0 => change_of::<IngressClass>(cluster, step, &at, &value),
        1 => change_of::<Ingress>(cluster, step, &at, &value),
        2 => change_of::<Service>(cluster, step, &at, &value),
        3 => change_of::<Hinted>(cluster, step, &at, &value),
        4 => change_of::<Declared>(cluster, step, &at, &value),
        5 => change_of::<SecretContent>(cluster, step, &at, &value),
        _ => change_of::<Binary>(cluster, step, &at, &value),
    });
    answer(stores, cluster);
}

fn fresh(cluster: &Cluster) -> Stores {
    let mut stores = Stores::new(Terms::default());
    stores.apply(all_of::<Declared>(cluster, 4));
    stores.apply(all_of::<Hinted>(cluster, 3));
    stores.apply(all_of::<Service>(cluster, 2));
    stores.apply(all_of::<Ingress>(cluster, 1));
    stores.apply(all_of::<IngressClass>(cluster, 0));
    answer(&mut stores, cluster);
    stores
}

proptest! {
    #[test]
    fn any_order_of_events_ends_in_the_config_of_a_fresh_list(steps in steps()) {
        let (mut stores, mut cluster) = (Stores::new(Terms::default()), Cluster::new());
        for step in &steps {
            play(&mut stores, &mut cluster, step);
        }
        let (config, problems) = stores.load();
        let (expected, expected_problems) = fresh(&cluster).load();
        assert_eq!(shown(&config), shown(&expected));
        assert_eq!(problems, expected_problems);
        assert!(!stores.is_waiting());
    }

    #[test]
    fn what_did_not_change_stays_the_same_value(steps in steps()) {
        let (mut stores, mut cluster) = (Stores::new(Terms::default()), Cluster::new());
        for step in &steps {
            play(&mut stores, &mut cluster, step);
            let before = stores.load().0;
            let again = Step { variant: 1, ..step.clone() };
            play(&mut stores, &mut cluster, &Step { kind: again.kind % 5, ..again });
            let after = stores.load().0;
            let same = before.ingresses.iter().zip(&after.ingresses).all(|(old, new)| std::sync::Arc::ptr_eq(old, new));
            assert!(same && before.ingresses.len() == after.ingresses.len());
        }
    }
}
