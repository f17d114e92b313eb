//! One object against a small world: what is refused, what is only warned of, what passes.

use super::kit::{WEB, WORLD, about, config, index, ingress, object, rule, told};
use crate::admission::check;

#[track_caller]
fn check_told(text: &str, want: &[&str]) {
    let told = about(text);
    assert_eq!(told.len(), want.len(), "{text}\n{told:#?}");
    for (told, want) in told.iter().zip(want) {
        assert!(told.starts_with(want), "{told}\nis not\n{want}");
    }
}

#[test]
fn a_good_ingress_passes() {
    let good = rule("b.test", "Prefix", "/");
    check_told(&ingress("cardea.dev/policies: guard, cardea.dev/request-timeout: 3s", &good), &[]);
    check_told(&ingress("", &format!("{good}, tls: [{{hosts: [b.test], secretName: shop-tls}}]")), &[]);
}

#[test]
fn what_can_never_work_is_refused() {
    let good = rule("b.test", "Prefix", "/");
    let rows = [
        (ingress("cardea.dev/request-timeout: soon", &good), "metadata.annotations[cardea.dev/request-timeout]: "),
        (ingress("cardea.dev/body-size-max: 10 MB", &good), "metadata.annotations[cardea.dev/body-size-max]: "),
        (ingress("cardea.dev/load-balance: fastest", &good), "metadata.annotations[cardea.dev/load-balance]: "),
        (ingress("cardea.dev/backend-protocol: https", &good), "metadata.annotations[cardea.dev/backend-protocol]: "),
        (ingress("cardea.dev/polices: guard", &good), "metadata.annotations[cardea.dev/polices]: there is no such"),
        (ingress("cardea.dev/policies: 'guard,,guard'", &good), "metadata.annotations[cardea.dev/policies]: a policy"),
        (
            ingress("cardea.dev/policies: 'guard,guard'", &good),
            "metadata.annotations[cardea.dev/policies]: Policy guard",
        ),
        (ingress("cardea.dev/backends: nonsense", &good), "metadata.annotations[cardea.dev/backends]: "),
        (ingress("", &rule("10.0.0.1", "Prefix", "/")), "spec.rules[0].host: the host is an IP address"),
        (ingress("", &rule("*.*.test", "Prefix", "/")), "spec.rules[0].host: a wildcard"),
        (ingress("", &rule("b.test", "Regex", "/")), "spec.rules[0].http.paths[0].pathType: \"Regex\" is no path type"),
        (ingress("", &rule("b.test", "Exact", "/a/../b")), "spec.rules[0].http.paths[0].path: the path contains /../"),
        (ingress("", &rule("b.test", "Prefix", "a")), "spec.rules[0].http.paths[0].path: "),
        (ingress("", "rules: [{host: b.test, http: {paths: []}}]"), "spec.rules[0].http.paths: the rule has no path"),
        (ingress("", "tls: []"), "spec.rules: there are neither rules nor a default backend"),
        (
            ingress("", "defaultBackend: {resource: {kind: Bucket, name: b}}, rules: [{host: b.test}]"),
            "spec.defaultBackend.resource: a resource of this kind is not a backend",
        ),
        (
            ingress("", "defaultBackend: {service: {name: web}}, rules: [{host: b.test}]"),
            "spec.defaultBackend: service.port has neither",
        ),
        (
            ingress("", &format!("{good}, tls: [{{hosts: ['b.test:443'], secretName: shop-tls}}]")),
            "spec.tls[0].hosts[0]: the host has a port",
        ),
    ];
    for (text, want) in rows {
        check_told(&text, &[&format!("refused {want}")]);
    }
}

#[test]
fn what_may_come_later_is_a_warning() {
    let good = rule("b.test", "Prefix", "/");
    let to = |backend: &str| {
        format!(
            "rules: [{{host: b.test, http: {{paths: [{{pathType: Prefix, path: /, backend: {{service: {backend}}}}}]}}}}]"
        )
    };
    let rows = [
        (ingress("", &to("{name: soon, port: {number: 80}}")), "spec.rules[0].http.paths[0].backend.service.name: "),
        (
            ingress("", &to("{name: web, port: {number: 81}}")),
            "spec.rules[0].http.paths[0].backend.service.port.number: ",
        ),
        (ingress("", &to("{name: web, port: {name: dns}}")), "spec.rules[0].http.paths[0].backend.service.port: "),
        (ingress("", &to("{name: outside, port: {number: 80}}")), "spec.rules[0].http.paths[0].backend.service.name: "),
        (ingress("cardea.dev/policies: soon", &good), "metadata.annotations[cardea.dev/policies]: there is no Policy"),
        (ingress("cardea.dev/backends: next=soon:80", &good), "metadata.annotations[cardea.dev/backends]: next: there"),
        (ingress("", &format!("{good}, tls: [{{secretName: soon}}]")), "spec.tls[0].secretName: there is no usable"),
        (ingress("", &rule("b.test", "ImplementationSpecific", "'/a*'")), "spec.rules[0].http.paths[0].path: * is an"),
        (
            ingress("", &rule("a.test", "Prefix", "/old")),
            "spec.rules[0].http.paths[0].path: Ingress shop/older, which is",
        ),
    ];
    for (text, want) in rows {
        check_told(&text, &[&format!("warned {want}")]);
    }
}

#[test]
fn what_an_older_ingress_of_another_namespace_has_is_refused() {
    let foreign = |text: String| text.replace("namespace: shop", "namespace: rival");
    let warned = "warned spec.rules[0].http.paths[0].backend.service.name: there is no Service rival/web";
    check_told(
        &foreign(ingress("", &rule("A.test", "Prefix", "/old"))),
        &[warned, "refused spec.rules[0].http.paths[0].path: Ingress shop/older, which is older, has host a.test"],
    );
    check_told(&foreign(ingress("", &rule("a.test", "Exact", "/old"))), &[warned]);
    check_told(
        &ingress("", &format!("defaultBackend: {}", WEB.strip_prefix("backend: ").unwrap())),
        &["refused spec.defaultBackend: infra/default is older"],
    );
}

#[test]
fn an_older_ingress_may_not_take_a_place_from_another_namespace_either() {
    let index = index(&config(WORLD));
    let ancient = |path: &str| {
        let text = ingress("", &rule("a.test", "Prefix", path)).replace("2026-06", "2020-06");
        object(&text.replace("namespace: shop", "namespace: rival"))
    };
    let taking = check(&index, &ancient("/old"), Some(&ancient("/mine")));
    let taking: Vec<String> = told(&taking).into_iter().filter(|line| line.starts_with("refused")).collect();
    assert_eq!(taking.len(), 1, "{taking:#?}");
    assert!(taking[0].contains("Ingress shop/older has host a.test and path /old"), "{taking:#?}");
    // It is so already: nothing is taken by this change.
    let kept = check(&index, &ancient("/old"), Some(&ancient("/old")));
    assert!(told(&kept).iter().all(|line| line.starts_with("warned")), "{kept:#?}");
}

#[test]
fn an_ingress_of_another_controller_is_none_of_our_business() {
    let broken = ingress("cardea.dev/policies: ',,'", &rule("10.0.0.1", "Regex", "nowhere"));
    check_told(&broken.replace("ingressClassName: cardea", "ingressClassName: nginx"), &[]);
    check_told(
        &broken.replace("ingressClassName: cardea", "ingressClassName: nobody"),
        &["warned spec.ingressClassName: no IngressClass is named nobody"],
    );
}

#[test]
fn an_update_is_refused_for_new_mistakes_only() {
    let index = index(&config(WORLD));
    let broken = object(&ingress("", &rule("10.0.0.1", "Prefix", "/")));
    let labelled = object(&ingress("note: hello", &rule("10.0.0.1", "Prefix", "/")));
    let worse = object(&ingress("cardea.dev/load-balance: fastest", &rule("10.0.0.1", "Prefix", "/")));
    assert!(told(&check(&index, &broken, None))[0].starts_with("refused spec.rules[0].host"));
    assert!(told(&check(&index, &labelled, Some(&broken)))[0].starts_with("warned spec.rules[0].host"));
    let told = told(&check(&index, &worse, Some(&broken)));
    assert!(told[0].starts_with("refused metadata.annotations[cardea.dev/load-balance]"), "{told:#?}");
    assert!(told[1].starts_with("warned spec.rules[0].host"), "{told:#?}");
}

#[test]
fn a_policy_out_of_bounds_is_refused() {
    let policy = |spec: &str| {
        format!(
            "apiVersion: cardea.dev/v1alpha1\nkind: Policy\nmetadata: {{name: p, namespace: shop}}\n\
             spec: {{module: {{configMap: {{name: m, key: k}}}}, {spec}}}\n"
        )
    };
    check_told(&policy("limits: {deadline: 5ms}"), &[]);
    check_told(&policy("limits: {deadline: 5s}"), &["refused spec.limits.deadline: 5s is out of bounds"]);
    check_told(&policy("limits: {memory: 1Gi}"), &["refused spec.limits.memory: "]);
    let of_file = policy("").replace("configMap: {name: m, key: k}", "file: a.wasm");
    check_told(&of_file, &["refused spec.module.file: cannot be read from a cluster"]);
}

#[test]
fn a_second_default_class_is_a_warning() {
    let class = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: NAME, annotations: \
                 {ingressclass.kubernetes.io/is-default-class: 'true'}}\nspec: {controller: cardea.dev/ingress}\n";
    let index = index(&config(&class.replace("NAME", "a")));
    let told = told(&check(&index, &object(&class.replace("NAME", "b")), None));
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].starts_with("warned metadata.annotations"), "{told:#?}");
    assert_eq!(check(&index, &object(&class.replace("NAME", "a")), None), []);
}
