//! An index that follows its configuration is the one that would be made anew.

use std::sync::Arc;

use cardea_model::compile::Options;
use cardea_model::config::Config;

use super::kit::{WORLD, config, ingress, object, rule, told};
use crate::admission::{Index, Scope, Writer, check};
use crate::file::Object;

fn probe(index: &Index) -> Vec<String> {
    let text = ingress("cardea.dev/policies: guard", &rule("a.test", "Prefix", "/old"));
    told(&check(index, &object(&text), None))
}

/// The same objects but for those of `edit`, as a source gives them: what did not change is the same `Arc`.
fn edited(config: &Config, edit: impl FnOnce(&mut Config)) -> Config {
    let mut next = config.clone();
    edit(&mut next);
    next
}

#[test]
fn each_change_shows_and_can_be_undone() {
    let mut writer = Writer::new(Options::default(), Scope::Everything);
    let reader = writer.reader();
    let first = config(WORLD);
    let without_older = edited(&first, |next| next.ingresses.retain(|ingress| &*ingress.origin.name != "older"));
    let without_service = edited(&first, |next| next.services.clear());
    let without_class = edited(&first, |next| next.classes.clear());
    let without_policy = edited(&first, |next| next.policies.clear());
    let moved = edited(&first, |next| {
        let mut older = (*next.ingresses[0]).clone();
        older.rules[0].host = Some("elsewhere.test".into());
        next.ingresses[0] = Arc::new(older);
    });
    let all = [&first, &without_older, &without_service, &moved, &without_class, &without_policy];
    let fresh = |config: &Config| {
        let mut writer = Writer::new(Options::default(), Scope::Everything);
        writer.update(config);
        probe(&writer.reader().get())
    };
    let distinct: std::collections::HashSet<_> = all.iter().map(|config| fresh(config)).collect();
    assert_eq!(distinct.len(), 5, "the probe tells the configurations apart: {distinct:#?}");
    for before in all {
        for after in all {
            writer.update(before);
            writer.update(after);
            assert_eq!(probe(&reader.get()), fresh(after));
        }
    }
}

#[test]
fn a_reader_that_holds_on_keeps_what_it_has() {
    let mut writer = Writer::new(Options::default(), Scope::Everything);
    let reader = writer.reader();
    let first = config(WORLD);
    writer.update(&first);
    let held = reader.get();
    let before = probe(&held);
    for _ in 0..3 {
        writer.update(&Config::default());
        writer.update(&first);
    }
    writer.update(&Config::default());
    assert_eq!(probe(&held), before);
    assert_ne!(probe(&reader.get()), before);
}

#[test]
fn the_next_in_line_has_the_place_when_the_first_one_goes() {
    let mut config = config(WORLD);
    let Object::Ingress(second) = object(&ingress("", &rule("a.test", "Prefix", "/old"))) else { panic!("no Ingress") };
    config.ingresses.push(second);
    let mut writer = Writer::new(Options::default(), Scope::Everything);
    writer.update(&config);
    writer.update(&edited(&config, |next| next.ingresses.retain(|ingress| &*ingress.origin.name != "older")));
    let third = ingress("", &rule("a.test", "Prefix", "/old")).replace("name: new", "name: third");
    let told = told(&check(&writer.reader().get(), &object(&third.replace("2026-06", "2026-07")), None));
    assert!(told[0].contains("Ingress shop/new, which is older,"), "{told:#?}");
}
