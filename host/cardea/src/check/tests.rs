//! What `cardea check` says about directories, files and text.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use clap::Parser;

use super::{Args, Checked, check, print, read};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

const GOOD: &str = "
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: cardea
  rules:
  - {host: a.test, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}
";

#[track_caller]
fn checked(text: &str, flags: &[&str]) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), text).unwrap();
    let args = Cli::parse_from(["check"].iter().chain(flags).chain(&["DIR"])).args;
    let (config, problems) = read(folder.path()).unwrap();
    let whole = check(config, problems, &args);
    // One file by itself is read as the directory that holds it is, but for what it is called.
    let (config, problems) = read(&folder.path().join("a.yaml")).unwrap();
    let single = check(config, problems, &args);
    let fields = |checked: &Checked| checked.problems.iter().map(|problem| problem.field.clone()).collect::<Vec<_>>();
    assert_eq!(fields(&whole), fields(&single));
    whole
}

fn lines(checked: &Checked) -> Vec<String> {
    print::value(checked)["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| format!("{} {} {}", problem["severity"], problem["field"], problem["source"]).replace('"', ""))
        .collect()
}

#[test]
fn good_manifests_are_clean_without_the_class_of_the_install() {
    let checked = checked(GOOD, &[]);
    assert_eq!(checked.problems, []);
    assert!(!checked.fails(true));
    assert_eq!(print::summary(&checked), "1 Ingress, 1 Service, 0 Policies: 0 errors, 0 warnings");
}

#[test]
fn a_warning_fails_only_where_asked() {
    let checked = checked(&GOOD.replace("name: web, port", "name: other, port"), &[]);
    assert_eq!(lines(&checked), ["warning spec.rules[0].http.paths[0].backend.service.name a.yaml"]);
    assert!(!checked.fails(false));
    assert!(checked.fails(true));
}

#[test]
fn errors_come_first_and_fail() {
    let text = GOOD.replace("name: web, port", "name: other, port").replace("host: a.test", "host: 10.0.0.1");
    let checked = checked(&text.replace("rules:", "rules:\n  - {host: b.test, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: x, port: {number: 80}}}}]}}"), &[]);
    assert_eq!(lines(&checked)[0], "error spec.rules[1].host a.yaml");
    assert!(lines(&checked)[1..].iter().all(|line| line.starts_with("warning")));
    assert!(checked.fails(false));
}

#[test]
fn text_that_is_no_manifest_fails() {
    let checked = checked("kind: [", &[]);
    assert_eq!(checked.problems.len(), 1);
    assert!(checked.fails(false));
}

#[test]
fn a_module_that_is_not_there_is_an_error_of_a_file_and_a_warning_of_an_object() {
    let policy = |module: &str| {
        format!("apiVersion: cardea.dev/v1alpha1\nkind: Policy\nmetadata: {{name: p}}\nspec: {{module: {module}}}\n")
    };
    assert_eq!(lines(&checked(&policy("{file: none.wasm}"), &[])), ["error spec.module.file a.yaml"]);
    let of_map = checked(&policy("{configMap: {name: m, key: k}}"), &[]);
    assert_eq!(lines(&of_map), ["warning spec.module.configMap a.yaml"]);
    assert_eq!(lines(&checked(&policy("{oci: {image: 'registry.test/p:1'}}"), &[])), [""; 0]);
}

#[test]
fn a_certificate_that_is_none_is_found() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: t}\ntype: kubernetes.io/tls\ndata: {tls.crt: YQ==, tls.key: YQ==}\n---";
    let text = format!("{secret}{}", GOOD.replace("  rules:", "  tls: [{hosts: [a.test], secretName: t}]\n  rules:"));
    assert_eq!(lines(&checked(&text, &[])), ["error data a.yaml"]);
}

#[test]
fn other_classes_are_nobody_s_business_unless_named() {
    let text = GOOD.replace("cardea", "edge").replace("host: a.test", "host: 10.0.0.1");
    assert_eq!(lines(&checked(&text, &[])), ["warning spec.ingressClassName a.yaml"]);
    assert_eq!(lines(&checked(&text, &["--ingress-class", "edge"])), ["error spec.rules[0].host a.yaml"]);
}

#[test]
fn what_is_not_there_cannot_be_checked() {
    assert!(read(Path::new("/nowhere/at/all")).is_err());
}
