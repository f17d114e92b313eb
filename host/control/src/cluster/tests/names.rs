//! Which Secrets and ConfigMaps are watched.

#![allow(clippy::unwrap_used)]

use cardea_model::config::{Ingress, IngressClass, ModuleSource};
use serde_json::Value;

use super::super::kind::Kind;
use super::super::named::Wish;
use super::super::stores::Stores;
use super::super::watched::SecretContent;
use super::kit::{
    class, complete, config_map, gone, ingress, name, policy, secret, set, set_config_map, set_secret, with_annotation,
    with_secret,
};
use crate::kube::policy::Declared;

fn watch(kind: Kind, text: &str) -> Wish {
    Wish::Watch((kind, name(text)))
}

fn forget(kind: Kind, text: &str) -> Wish {
    Wish::Forget((kind, name(text)))
}

fn with_policy(ingress: Value) -> Value {
    with_annotation(ingress, "cardea.dev/policies", "guard")
}

fn secrets(stores: &mut Stores) -> usize {
    stores.load().0.secrets.len()
}

#[test]
fn a_secret_is_watched_while_an_accepted_ingress_names_it() {
    let mut stores = complete();
    stores.apply(set::<Ingress>(&with_secret(ingress("shop/a", "a.test"), "tls")));
    stores.apply(set::<Ingress>(&with_secret(ingress("shop/b", "b.test"), "tls")));
    assert_eq!(stores.take_wishes(), [watch(Kind::Secret, "shop/tls")]);
    assert!(stores.is_waiting());

    assert!(stores.apply(set_secret(&secret("shop/tls", "cGVt"))));
    assert!(!stores.is_waiting());
    assert_eq!(secrets(&mut stores), 1);

    stores.apply(gone::<Ingress>("shop/a"));
    assert_eq!(stores.take_wishes(), []);
    stores.apply(set::<Ingress>(&ingress("shop/b", "b.test")));
    assert_eq!(stores.take_wishes(), [forget(Kind::Secret, "shop/tls")]);
    assert_eq!(secrets(&mut stores), 0);
}

#[test]
fn a_secret_that_only_a_foreign_ingress_names_is_not_watched() {
    let mut stores = complete();
    let mut foreign = with_secret(ingress("shop/a", "a.test"), "tls");
    foreign["spec"]["ingressClassName"] = "theirs".into();
    stores.apply(set::<Ingress>(&foreign));
    assert_eq!(stores.take_wishes(), []);
    // A word about it comes too late, or by mistake.
    assert!(!stores.apply(set_secret(&secret("shop/tls", "cGVt"))));
    assert_eq!(secrets(&mut stores), 0);
}

#[test]
fn a_class_that_becomes_ours_makes_its_ingresses_name_their_secrets() {
    let mut stores = complete();
    stores.apply(set::<IngressClass>(&class("ours", "example.com/other")));
    stores.apply(set::<Ingress>(&with_secret(ingress("shop/a", "a.test"), "tls")));
    assert_eq!(stores.take_wishes(), []);
    stores.apply(set::<IngressClass>(&class("ours", "cardea.dev/ingress")));
    assert_eq!(stores.take_wishes(), [watch(Kind::Secret, "shop/tls")]);
    stores.apply(gone::<IngressClass>("ours"));
    assert_eq!(stores.take_wishes(), [forget(Kind::Secret, "shop/tls")]);
}

#[test]
fn the_config_map_of_a_policy_is_watched_once_a_route_uses_the_policy() {
    let mut stores = complete();
    stores.apply(set::<Declared>(&policy("shop/guard", "modules")));
    assert_eq!(stores.take_wishes(), []);
    stores.apply(set::<Ingress>(&with_policy(ingress("shop/a", "a.test"))));
    assert_eq!(stores.take_wishes(), [watch(Kind::ConfigMap, "shop/modules")]);

    stores.apply(set_config_map(&config_map("shop/modules", "AGFzbQ==")));
    let (config, problems) = stores.load();
    let ModuleSource::Bytes { bytes, .. } = &config.policies[0].module else { panic!("no module: {problems:?}") };
    assert_eq!(&bytes[..], b"\0asm");

    stores.apply(set::<Declared>(&policy("shop/guard", "others")));
    let wishes = stores.take_wishes();
    assert_eq!(wishes, [watch(Kind::ConfigMap, "shop/others"), forget(Kind::ConfigMap, "shop/modules")]);
    stores.apply(gone::<Ingress>("shop/a"));
    assert_eq!(stores.take_wishes(), [forget(Kind::ConfigMap, "shop/others")]);
}

#[test]
fn an_unchanged_policy_stays_the_same_value() {
    let mut stores = complete();
    for at in ["shop/guard", "shop/other", "zoo/guard"] {
        stores.apply(set::<Declared>(&policy(at, "modules")));
    }
    stores.apply(set::<Ingress>(&with_policy(ingress("shop/a", "a.test"))));
    let before = stores.load().0.policies;
    stores.apply(set_config_map(&config_map("shop/modules", "AGFzbQ==")));
    let after = stores.load().0.policies;
    let same: Vec<bool> = before.iter().zip(&after).map(|(old, new)| std::sync::Arc::ptr_eq(old, new)).collect();
    assert_eq!(same, [false, true, true]);
}

#[test]
fn a_secret_of_no_interest_is_no_certificate() {
    let mut stores = complete();
    stores.apply(set::<Ingress>(&with_secret(ingress("shop/a", "a.test"), "tls")));
    let mut opaque = secret("shop/tls", "cGVt");
    opaque["type"] = "Opaque".into();
    stores.apply(set_secret(&opaque));
    assert!(!stores.is_waiting());
    assert_eq!(secrets(&mut stores), 0);
    stores.apply(gone::<SecretContent>("shop/tls"));
    assert_eq!(secrets(&mut stores), 0);
}
