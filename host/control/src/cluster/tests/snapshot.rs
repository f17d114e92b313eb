//! What the last run kept serves as it did, and whatever cannot be trusted is not used.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use cardea_model::config::{Ingress, IngressClass, Service};
use serde_json::json;

use super::super::snapshot::{Disk, SnapshotError};
use super::super::stores::{Stores, Terms};
use super::super::zone::Hinted;
use super::kit::{
    class, complete, config_map, ingress, policy, secret, service, set, set_config_map, set_secret, shown, slice,
    whole, with_annotation, with_secret,
};
use crate::kube::policy::Declared;

/// Something of everything.
fn full() -> Stores {
    let mut stores = complete();
    let mut default = class("fallback", "example.com/other");
    default["metadata"]["annotations"] = json!({ "ingressclass.kubernetes.io/is-default-class": "true" });
    default["metadata"]["creationTimestamp"] = json!("2026-01-02T03:04:05Z");
    stores.apply(set::<IngressClass>(&default));
    let mut one = with_secret(with_annotation(ingress("shop/a", "a.test"), "cardea.dev/policies", "guard,far"), "tls");
    let named = json!({ "service": { "name": "web", "port": { "name": "http" } } });
    let bucket = json!({ "resource": { "apiGroup": "x", "kind": "Bucket", "name": "b" } });
    one["spec"]["defaultBackend"] = named.clone();
    one["spec"]["rules"].as_array_mut().unwrap().extend([
        json!({ "host": "bare.test" }),
        json!({ "http": { "paths": [
            { "pathType": "Exact", "path": "/x", "backend": named }, { "pathType": "Prefix", "path": "/y", "backend": bucket },
        ] } }),
    ]);
    one["metadata"]["creationTimestamp"] = json!("2026-01-02T03:04:05Z");
    stores.apply(set::<Ingress>(&one));
    let mut web = service("shop/web", 80);
    web["spec"]["ports"] = json!([
        { "name": "http", "port": 80, "targetPort": "named", "appProtocol": "kubernetes.io/h2c" },
        { "name": "dns", "port": 53, "protocol": "UDP", "targetPort": 5353 },
    ]);
    stores.apply(set::<Service>(&web));
    let outside = json!({ "type": "ExternalName", "externalName": "example.com" });
    stores.apply(set::<Service>(&json!({ "metadata": { "name": "out", "namespace": "shop" }, "spec": outside })));
    let mut endpoints = slice("shop/web-1", "web", "10.0.0.1");
    endpoints["metadata"]["labels"]["tier"] = json!("front");
    endpoints["endpoints"][0] = json!({
        "addresses": ["10.0.0.1", "fd00::1"], "zone": "z1", "nodeName": "n1", "hostname": "h",
        "conditions": { "ready": false, "serving": true, "terminating": true },
        "targetRef": { "kind": "Pod", "name": "p" }, "hints": { "forZones": [{ "name": "z2" }] },
    });
    stores.apply(set::<Hinted>(&endpoints));
    let mut guard = policy("shop/guard", "modules");
    guard["metadata"]["generation"] = json!(7);
    guard["spec"]["config"] = json!({ "limit": 5, "none": null });
    guard["spec"]["grants"] = json!({
        "interfaces": ["log", "kv-local"], "headers": ["x-forwarded-for"], "upstreams": { "auth": "auth:http", "keys": "keys:80" },
    });
    guard["spec"]["proxyWasm"] = json!({ "rootId": "guard", "vmConfig": { "a": 1 } });
    guard["spec"]["limits"] = json!({ "deadline": "7ms", "memory": "3Mi", "body": 0 });
    guard["spec"]["failureMode"] = json!("Skip");
    guard["spec"]["isolation"] = json!("request");
    guard["spec"]["module"]["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
    stores.apply(set::<Declared>(&guard));
    let oci = json!({ "image": "registry.test/team/far:v1", "pullSecret": "registry", "interval": "1m30s" });
    let far = json!({ "metadata": { "name": "far", "namespace": "shop" }, "spec": { "module": { "oci": oci } } });
    stores.apply(set::<Declared>(&far));
    let mut registry = secret("shop/registry", "e30=");
    registry["type"] = json!("kubernetes.io/dockerconfigjson");
    registry["data"] = json!({ ".dockerconfigjson": "e30=" });
    stores.apply(set_secret(&registry));
    stores.apply(set_secret(&secret("shop/tls", "cGVt")));
    stores.apply(set_config_map(&config_map("shop/modules", "AGFzbQ==")));
    stores
}

fn restored(disk: &Disk) -> Stores {
    let mut stores = Stores::new(Terms::default());
    disk.load().unwrap().unwrap().changes.into_iter().for_each(|change| stores.restore(change));
    stores
}

#[test]
fn what_was_kept_serves_as_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(&folder.path().join("snapshot")).unwrap();
    let mut before = full();
    let (config, problems) = before.load();
    disk.save(&before.state()).unwrap();
    let (again, told) = restored(&disk).load();
    assert_eq!(shown(&again), shown(&config));
    assert_eq!(told, problems);
    assert_eq!(config.policies.len(), 2);
}

#[test]
fn it_is_for_our_eyes_only() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("snapshot");
    let disk = Disk::open(&root).unwrap();
    let mut stores = full();
    stores.load();
    disk.save(&stores.state()).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root), 0o700);
    let files: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in files.iter().filter(|path| path.is_file()) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(Disk::open(&root), Err(SnapshotError::Directory(_))));
}

#[test]
fn it_is_read_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("snapshot");
    let disk = Disk::open(&root).unwrap();
    assert!(disk.load().unwrap().is_none());
    let mut stores = full();
    stores.load();
    disk.save(&stores.state()).unwrap();
    let file = root.join("cluster.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let short = lines[..lines.len() - 1].join("\n");
    fs::write(&file, &short).unwrap();
    assert!(matches!(disk.load(), Err(SnapshotError::Short { .. })));
    fs::write(&file, text.get(..text.len() - 9).unwrap()).unwrap();
    assert!(matches!(disk.load(), Err(SnapshotError::Line { .. })));
    fs::write(&file, text.replace("snapshot/v1", "snapshot/v9")).unwrap();
    assert!(matches!(disk.load(), Err(SnapshotError::Format)));
}

#[test]
fn a_module_that_does_not_have_its_digest_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("snapshot");
    let disk = Disk::open(&root).unwrap();
    let mut stores = full();
    stores.load();
    disk.save(&stores.state()).unwrap();
    let module = fs::read_dir(root.join("modules")).unwrap().next().unwrap().unwrap().path();
    fs::write(&module, b"another").unwrap();
    let (_, problems) = restored(&disk).load();
    assert!(problems.iter().any(|problem| problem.message.contains("has no such key") || problem.message.contains("no such ConfigMap")), "{problems:?}");
}

#[test]
fn what_was_heard_is_not_replaced_by_what_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(&folder.path().join("snapshot")).unwrap();
    let mut before = full();
    before.load();
    disk.save(&before.state()).unwrap();
    let mut stores = Stores::new(Terms::default());
    stores.apply(whole::<Ingress>(&[]));
    disk.load().unwrap().unwrap().changes.into_iter().for_each(|change| stores.restore(change));
    let (config, _) = stores.load();
    assert_eq!((config.ingresses.len(), config.services.len()), (0, 2));
    assert!(!stores.is_complete());
}
