//! The cluster source against an API server that does as it is told: faults that a real one gives rarely.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use cardea_model::config::Config;
use serde_json::json;

use super::super::options::{Notice, Options};
use super::kit::{class, ingress, with_secret};
use super::server::{Answer, Server, Watching, bookmark, end, event, page, status};
use crate::file::Change;

fn hosts(config: &Config) -> Vec<&str> {
    config.ingresses.iter().map(|ingress| &*ingress.origin.name).collect()
}

fn any(_: &Config) -> bool {
    true
}

#[test]
fn a_list_that_cannot_be_streamed_is_read_page_by_page() {
    let server = Server::start();
    let refused = json!({ "type": "ERROR", "object": status(500, "RequestWatchProgress is disabled") });
    server
        .then("ingresses", Answer::Watch(vec![refused]))
        .then("ingresses", Answer::Page(page(&[ingress("shop/a", "a.test")], 7, "next")))
        .then("ingresses", Answer::Page(page(&[ingress("shop/b", "b.test")], 7, "")));
    let mut watching = Watching::of(&server, Options::default());
    let (config, _) = watching.until(any, any);
    assert_eq!(hosts(&config), ["a", "b"]);
    let asked = server.asked("ingresses", 4);
    assert!(asked[0].contains("sendInitialEvents=true"), "{asked:?}");
    assert!(!asked[1].contains("watch") && asked[2].contains("continue=next"), "{asked:?}");
    assert!(asked[3].contains("watch=true") && asked[3].contains("resourceVersion=7"), "{asked:?}");
}

#[test]
fn a_watch_that_is_too_far_behind_lists_anew_and_swaps_the_list_in_whole() {
    let server = Server::start();
    let (a, b) = (ingress("shop/a", "a.test"), ingress("shop/b", "b.test"));
    let gone = json!({ "type": "ERROR", "object": status(410, "too old resource version") });
    server
        .then("ingresses", Answer::Watch(vec![event("ADDED", &a, 3), end(5), gone]))
        .then("ingresses", Answer::Watch(vec![event("ADDED", &b, 8), end(9)]));
    let mut watching = Watching::of(&server, Options::default());
    let good = |config: &Config| hosts(config) == ["a"] || hosts(config) == ["b"];
    watching.until(good, |config| hosts(config) == ["b"]);
}

#[test]
fn a_watch_that_ends_goes_on_from_where_it_was() {
    let server = Server::start();
    let a = ingress("shop/a", "a.test");
    server
        .then("ingresses", Answer::WatchToEnd(vec![event("ADDED", &a, 3), end(5), bookmark(9)]))
        .then("ingresses", Answer::WatchToEnd(vec![event("ADDED", &ingress("shop/b", "b.test"), 12)]));
    let mut watching = Watching::of(&server, Options::default());
    watching.until(any, |config| hosts(config) == ["a", "b"]);
    let asked = server.asked("ingresses", 3);
    assert!(asked[1].contains("resourceVersion=9") && !asked[1].contains("sendInitialEvents"), "{asked:?}");
    assert!(asked[2].contains("resourceVersion=12"), "{asked:?}");
}

#[test]
fn a_streamed_list_that_breaks_off_counts_for_nothing() {
    let server = Server::start();
    let (a, b) = (ingress("shop/a", "a.test"), ingress("shop/b", "b.test"));
    server
        .then("ingresses", Answer::WatchToEnd(vec![event("ADDED", &a, 3)]))
        .then("ingresses", Answer::Watch(vec![event("ADDED", &b, 4), end(5)]));
    let mut watching = Watching::of(&server, Options::default());
    watching.until(|config| hosts(config) == ["b"], any);
}

#[test]
fn a_server_that_refuses_and_errs_costs_nothing_that_serves() {
    let server = Server::start();
    let (a, b) = (ingress("shop/a", "a.test"), ingress("shop/b", "b.test"));
    server
        .then("ingresses", Answer::WatchToEnd(vec![event("ADDED", &a, 3), end(5)]))
        .then("ingresses", Answer::Status(500, status(500, "etcd is away")))
        .then("ingresses", Answer::Status(429, status(429, "too many requests")))
        .then("ingresses", Answer::Status(404, json!("no such page")))
        .then("ingresses", Answer::Watch(vec![event("ADDED", &b, 12)]));
    let mut watching = Watching::of(&server, Options::default());
    watching.until(|config| hosts(config).contains(&"a"), |config| hosts(config) == ["a", "b"]);
    let seen = watching.source.health().seen();
    let ingresses = seen.kinds.iter().find(|kind| kind.kind == "Ingress").unwrap();
    assert_eq!((ingresses.failures, ingresses.objects), (3, 2));
    assert!(seen.synced);
}

#[test]
fn a_watch_that_goes_on_in_silence_is_in_order_again() {
    let server = Server::start();
    server
        .then("ingresses", Answer::WatchToEnd(vec![event("ADDED", &ingress("shop/a", "a.test"), 3), end(5)]))
        .then("ingresses", Answer::Status(500, status(500, "etcd is away")));
    let mut watching = Watching::of(&server, Options::default());
    watching.until(any, any);
    server.asked("ingresses", 3);
    let synced = |notice: &Notice| *notice == Notice::Synced { kind: "Ingress", objects: 1 };
    watching.until_told(|notices| notices.iter().filter(|notice| synced(notice)).count() == 2);
    let failed =
        |notice: &Notice| matches!(notice, Notice::WatchFailed { message, .. } if message.contains("etcd is away"));
    assert!(watching.told(failed));
    assert_eq!(watching.source.health().seen().stale_since, None);
}

#[test]
fn a_malformed_object_ends_no_watch() {
    let server = Server::start();
    let mut broken = ingress("shop/broken", "x.test");
    broken["spec"] = json!([1, 2]);
    let (a, b) = (ingress("shop/a", "a.test"), ingress("shop/b", "b.test"));
    let events = vec![event("ADDED", &broken, 2), event("ADDED", &a, 3), end(5), event("MODIFIED", &broken, 6)];
    server.then("ingresses", Answer::Watch([events, vec![event("ADDED", &b, 7)]].concat()));
    let mut watching = Watching::of(&server, Options::default());
    let (_, problems) = watching.until(any, |config| hosts(config) == ["a", "b"]);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].origin.to_string(), "Ingress shop/broken");
    assert_eq!(server.asked("ingresses", 1).len(), 1);
}

#[test]
fn a_kind_that_may_not_be_read_keeps_us_from_starting_and_names_the_rule() {
    let server = Server::start();
    let no = || Answer::Status(403, status(403, "User \"x\" cannot list resource \"services\""));
    server.then("services", no()).then("services", no()).then("services", no());
    let mut watching = Watching::of(&server, Options { namespace: Some("shop".into()), ..Options::default() });
    server.asked("services", 2);
    let rule = "a Role in namespace shop: apiGroups: [\"\"], resources: [\"services\"], verbs: [\"list\", \"watch\"]";
    assert!(watching.told(|notice| matches!(notice, Notice::WatchFailed { remedy, .. } if remedy.contains(rule))));
    // The fourth try is allowed.
    watching.until(any, any);
}

#[test]
fn a_namespaced_install_lists_nothing_of_the_whole_cluster_but_classes() {
    let server = Server::start();
    let no = || Answer::Status(403, status(403, "no"));
    (0..9).for_each(|_| _ = server.then("ingressclasses", no()));
    let tls = with_secret(ingress("shop/a", "a.test"), "tls");
    server.then("ingresses", Answer::Watch(vec![event("ADDED", &tls, 2), end(3)]));
    let (namespace, class) = (Some(Arc::from("shop")), Some(Arc::from("ours")));
    let mut watching = Watching::of(&server, Options { namespace, class, ..Options::default() });
    let (config, problems) = watching.until(any, any);
    assert_eq!((config.classes.len(), hosts(&config)), (1, vec!["a"]));
    assert_eq!(problems, [], "with the class by flag, nothing is missing");
    let rule = "a ClusterRole: apiGroups: [\"networking.k8s.io\"]";
    assert!(watching.told(|notice| matches!(notice, Notice::WatchFailed { remedy, .. } if remedy.contains(rule))));
    for resource in ["ingresses", "services", "endpointslices", "policies", "secrets"] {
        let asked = server.asked(resource, 1);
        assert!(asked.iter().all(|path| path.contains("/namespaces/shop/")), "{asked:?}");
    }
}

#[test]
fn secrets_are_asked_for_by_name_alone() {
    let server = Server::start();
    server.then("ingressclasses", Answer::Watch(vec![event("ADDED", &class("ours", "cardea.dev/ingress"), 2), end(3)]));
    let tls = with_secret(ingress("shop/a", "a.test"), "tls");
    server.then("ingresses", Answer::Watch(vec![event("ADDED", &tls, 2), end(3)]));
    let secret = super::kit::secret("shop/tls", "cGVt");
    server.then("secrets", Answer::Page(page(&[secret], 4, "")));
    let mut watching = Watching::of(&server, Options::default());
    // Not before its Secret is there, although the Ingress is.
    let (config, _) = watching.until(|config| config.secrets.len() == 1, any);
    assert_eq!(&*config.secrets[0].origin.name, "tls");
    let asked = server.asked("secrets", 2);
    let by_name =
        |path: &String| path.contains("/namespaces/shop/") && path.contains("fieldSelector=metadata.name%3Dtls");
    assert!(asked.iter().all(by_name), "{asked:?}");
}

#[test]
fn a_cluster_without_our_kind_is_served() {
    let server = Server::start();
    server.then("policies", Answer::Status(404, status(404, "the server could not find the requested resource")));
    server.then("ingresses", Answer::Watch(vec![event("ADDED", &ingress("shop/a", "a.test"), 2), end(3)]));
    let mut watching = Watching::of(&server, Options::default());
    let (config, problems) = watching.until(any, any);
    assert_eq!((hosts(&config), problems), (vec!["a"], vec![]));
    assert_eq!(watching.source.health().seen().stale_since, None);
}

#[test]
fn a_burst_settles_into_few_generations() {
    let server = Server::start();
    let all: Vec<_> =
        (0..200).map(|at| event("ADDED", &ingress(&format!("shop/i{at:03}"), "a.test"), 10 + at)).collect();
    server.then("ingresses", Answer::Watch([vec![end(3)], all].concat()));
    let mut watching = Watching::of(&server, Options::default());
    let mut generations = 0;
    loop {
        assert_eq!(watching.source.wait(), Change::Changed);
        generations += 1;
        if watching.source.load().0.ingresses.len() == 200 {
            break;
        }
    }
    assert!(generations <= 10, "{generations}");
}

#[test]
fn without_the_server_the_last_state_serves_until_it_answers() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = Some(folder.path().join("snapshot"));
    let server = Server::start();
    server.then("ingresses", Answer::Watch(vec![event("ADDED", &ingress("shop/a", "a.test"), 2), end(3)]));
    let mut watching = Watching::of(&server, Options { snapshot: snapshot.clone(), ..Options::default() });
    watching.until(any, any);
    // Its end writes what waits to be written.
    drop(watching);

    let server = Server::start();
    let away = || Answer::Status(503, status(503, "starting"));
    let resources = ["ingressclasses", "ingresses", "services", "endpointslices", "policies", "version"];
    resources.iter().for_each(|resource| (0..5).for_each(|_| _ = server.then(resource, away())));
    let mut watching = Watching::of(&server, Options { snapshot, ..Options::default() });
    let (config, _) = watching.until(any, any);
    assert_eq!(hosts(&config), ["a"]);
    let seen = watching.source.health().seen();
    assert!(seen.snapshot.is_some() && seen.stale_since.is_some() && !seen.synced, "{seen:?}");
    assert!(watching.told(|notice| matches!(notice, Notice::SnapshotLoaded { .. })));
    watching.until(any, |config| config.ingresses.is_empty());
    assert_eq!(watching.source.health().seen().snapshot, None);
}
