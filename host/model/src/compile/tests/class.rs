use std::sync::Arc;

use super::kit::{Served, class, ingress, serve, serve_as, with};
use crate::compile::Options;
use crate::config::{Ingress, IngressClass};

const ANNOTATION: &str = "kubernetes.io/ingress.class";

fn classed(annotation: &str, field: &str) -> Ingress {
    let mut declared = ingress("a").rule("a.test", &["Prefix / web:80"]);
    declared.class_name = Some(field).filter(|name| !name.is_empty()).map(Into::into);
    if annotation.is_empty() { declared } else { declared.annotated(ANNOTATION, annotation) }
}

fn is_served(served: &Served) -> bool {
    served.answer("a.test", "/") != "404"
}

#[test]
fn an_ingress_is_served_if_its_class_is_ours() {
    for (annotation, field, want, told) in [
        ("", "cardea", true, None),
        ("", "theirs", false, None),
        ("", "missing", false, Some("spec.ingressClassName: no IngressClass is named missing")),
        ("", "", false, None),
        ("cardea", "", true, None),
        ("theirs", "", false, None),
        ("missing", "", false, Some("no IngressClass is named missing")),
        ("cardea", "cardea", true, None),
        ("cardea", "theirs", true, Some("says cardea, and wins")),
        ("theirs", "cardea", false, Some("says theirs, and wins")),
    ] {
        let mut config = with(vec![classed(annotation, field)]);
        config.classes.push(Arc::new(class("theirs", "example.com/other")));
        let served = serve(&config);
        assert_eq!(is_served(&served), want, "{annotation:?} {field:?}");
        served.check_told(told.as_slice());
    }
}

#[test]
fn the_name_of_a_class_need_not_be_the_controllers() {
    let mut config = with(vec![classed("", "public")]);
    config.classes =
        vec![Arc::new(class("public", "example.com/mine")), Arc::new(class("cardea", "example.com/other"))];
    let options = Options { controller: "example.com/mine".into(), ..Options::default() };
    assert!(is_served(&serve_as(&config, &options)));
    assert!(!is_served(&serve(&config)));
}

#[test]
fn a_class_of_the_cluster_that_only_an_annotation_names_is_no_problem() {
    let mut declared = classed("alb", "");
    declared.origin.document = 0;
    let served = serve(&with(vec![declared]));
    assert!(!is_served(&served));
    served.check_told(&[]);
}

#[test]
fn without_a_class_the_default_class_decides() {
    let default = |name: &str, controller: &str, created: Option<i64>| {
        Arc::new(IngressClass { is_default: true, created, ..class(name, controller) })
    };
    let (ours, theirs) = ("cardea.dev/ingress", "example.com/other");
    for (classes, want, problems) in [
        (vec![default("a", ours, None)], true, 0),
        (vec![default("a", theirs, None)], false, 0),
        (vec![Arc::new(class("a", ours))], false, 0),
        // Several: the newest, then by name, as the API server's admission does.
        (vec![default("a", ours, Some(1)), default("b", theirs, Some(2))], false, 1),
        (vec![default("a", ours, Some(2)), default("b", theirs, Some(1))], true, 0),
        (vec![default("b", ours, Some(1)), default("a", theirs, Some(1))], false, 1),
        (vec![default("a", ours, None), default("b", ours, None)], true, 1),
    ] {
        let mut config = with(vec![classed("", "")]);
        config.classes = classes;
        let served = serve(&config);
        assert_eq!(is_served(&served), want, "{:?}", config.classes);
        assert_eq!(served.problems.len(), problems, "{:?}", served.told());
    }
}

#[test]
fn a_flag_serves_what_names_no_class() {
    let options = Options { watch_ingress_without_class: true, ..Options::default() };
    assert!(is_served(&serve_as(&with(vec![classed("", "")]), &options)));
    assert!(!is_served(&serve_as(&with(vec![classed("", "missing")]), &options)));
}
