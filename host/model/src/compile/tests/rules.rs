use super::kit::{ingress, serve, with};
use crate::problem::Severity;

#[test]
fn hosts_are_chosen_as_the_conformance_suite_asks() {
    let served = serve(&with(vec![
        ingress("a").rule("*.foo.com", &["Prefix / web:80"]).rule("foo.bar.com", &["Prefix / web:http"]),
    ]));
    served.check(&[
        ("foo.bar.com", "/", "a Prefix / -> shop/web:80"),
        ("bar.foo.com", "/", "a Prefix / -> shop/web:80"),
        ("subdomain.bar.com", "/", "404"),
        ("baz.bar.foo.com", "/", "404"),
        ("foo.com", "/", "404"),
    ]);
    served.check_told(&[]);
}

#[test]
fn paths_are_chosen_as_the_conformance_suite_asks() {
    let served = serve(&with(vec![
        ingress("a")
            .rule("exact", &["Exact /foo web:80"])
            .rule("slash", &["Exact /foo/ web:80"])
            .rule("prefix", &["Prefix /foo web:80"])
            .rule("long", &["Prefix / web:80", "Prefix /aaa web:80", "Prefix /aaa/bbb next:80"])
            .rule("trail", &["Prefix /aaa/bbb/ web:80"])
            .rule("mixed", &["Prefix /foo web:80", "Exact /foo next:80"]),
    ]));
    served.check(&[
        ("exact", "/foo", "a Exact /foo -> shop/web:80"),
        ("exact", "/foo/", "404"),
        ("exact", "/FOO", "404"),
        ("exact", "/bar", "404"),
        ("slash", "/foo", "404"),
        ("slash", "/foo/", "a Exact /foo/ -> shop/web:80"),
        ("prefix", "/foo", "a Prefix /foo -> shop/web:80"),
        ("prefix", "/foo/", "a Prefix /foo -> shop/web:80"),
        ("prefix", "/foo/bar", "a Prefix /foo -> shop/web:80"),
        ("prefix", "/foobar", "404"),
        ("prefix", "/FOO", "404"),
        ("long", "/aaa/bbb", "a Prefix /aaa/bbb -> shop/next:80"),
        ("long", "/aaa/bbb/ccc", "a Prefix /aaa/bbb -> shop/next:80"),
        ("long", "/aaa/ccc", "a Prefix /aaa -> shop/web:80"),
        ("long", "/aaaccc", "a Prefix / -> shop/web:80"),
        ("trail", "/aaa/bbb", "a Prefix /aaa/bbb/ -> shop/web:80"),
        ("trail", "/aaa/bbb/", "a Prefix /aaa/bbb/ -> shop/web:80"),
        ("mixed", "/foo", "a Exact /foo -> shop/next:80"),
        ("mixed", "/foo/x", "a Prefix /foo -> shop/web:80"),
    ]);
    served.check_told(&[]);
}

#[test]
fn implementation_specific_is_a_prefix() {
    let served = serve(&with(vec![
        ingress("a")
            .rule("a", &["ImplementationSpecific /foo web:80", "ImplementationSpecific - next:80"])
            .rule("b", &["ImplementationSpecific /foo/(.*) web:80"])
            .rule("c", &["Prefix /foo web:80", "ImplementationSpecific /foo next:80"])
            .rule("d", &["ImplementationSpecific foo web:80"]),
    ]));
    served.check(&[
        ("a", "/foo/x", "a Prefix /foo -> shop/web:80"),
        ("a", "/x", "a Prefix / -> shop/next:80"),
        ("b", "/foo/x", "404"),
        ("b", "/foo/(.*)", "a Prefix /foo/(.*) -> shop/web:80"),
        ("c", "/foo", "a Prefix /foo -> shop/web:80"),
        ("d", "/foo", "404"),
    ]);
    served.check_told(&[
        "a: spec.rules[1].http.paths[0].path: ( is an ordinary character here",
        "a: spec.rules[2].http.paths[1].path: this Ingress has host c and path /foo with the same path type already",
        "a: spec.rules[3].http.paths[0].path: the path does not begin with /",
    ]);
}

/// The broader rule of another Ingress must not get what a mistake left behind.
#[test]
fn a_path_that_cannot_be_read_is_closed_and_does_not_vanish() {
    for (declared, request, message) in [
        ("- /admin web:80", "/admin/x", "pathType: the path type is missing"),
        ("prefix /admin web:80", "/admin", "pathType: \"prefix\" is no path type"),
        ("Prefix - web:80", "/admin", "path: the path is empty"),
        ("Prefix //admin web:80", "/admin", "path: the path contains //"),
        ("Prefix /x/../admin web:80", "/admin", "path: the path contains /../"),
        ("Exact /./admin web:80", "/admin", "path: the path contains /./"),
        ("Prefix /admin/. web:80", "/admin", "path: the path ends in /."),
        ("Prefix /admin/x/.. web:80", "/admin/", "path: the path ends in /.."),
    ] {
        let narrow = ingress("narrow").rule("a", &[declared]);
        let broad = ingress("zzz").rule("a", &["Prefix / next:80"]);
        let served = serve(&with(vec![narrow, broad]));
        let answer = served.answer("a", request);
        assert!(answer.starts_with("narrow ") && answer.contains("-> 503 "), "{declared}: {answer}");
        assert!(served.told()[0].contains(message), "{:?}", served.told());
    }
}

#[test]
fn a_path_that_no_request_can_have_is_a_problem_alone() {
    for (declared, message) in [
        ("Prefix /a%2fb web:80", "the path has an encoded slash"),
        ("Exact /a%2Fb web:80", "the path has an encoded slash"),
        ("Prefix /a%zz web:80", "two hexadecimal digits"),
        ("Prefix admin web:80", "does not begin with /"),
        ("Prefix /.. web:80", "climbs above the root"),
    ] {
        let served = serve(&with(vec![ingress("a").rule("a", &[declared, "Prefix /ok next:80"])]));
        served.check(&[("a", "/ok", "a Prefix /ok -> shop/next:80")]);
        served.check_told(&[message]);
        assert_eq!(served.problems[0].field, "spec.rules[0].http.paths[0].path");
    }
}

#[test]
fn a_declared_path_matches_requests_in_their_normal_form() {
    let served =
        serve(&with(vec![ingress("a").rule("a", &["Prefix /caf\u{e9} web:80", "Exact /%7euser/%c3%a9 next:80"])]));
    served.check(&[
        ("a", "/caf%C3%A9/x", "a Prefix /caf\u{e9} -> shop/web:80"),
        ("a", "/~user/%C3%A9", "a Exact /%7euser/%c3%a9 -> shop/next:80"),
    ]);
    served.check_told(&[]);
}

#[test]
fn an_invalid_host_is_a_problem_and_the_rest_lives() {
    for host in ["*", "foo.*.com", "*foo.com", "192.0.2.1", "[::1]", "foo.com:80", "foo_bar.com", "foo.com."] {
        let declared = ingress("a").rule(host, &["Prefix / web:80"]).rule("ok", &["Prefix / web:80"]);
        let served = serve(&with(vec![declared]));
        served.check(&[("ok", "/", "a Prefix / -> shop/web:80"), ("foo.com", "/", "404")]);
        served.check_told(&["a: spec.rules[0].host: "]);
    }
}

#[test]
fn the_oldest_ingress_keeps_a_host_and_path() {
    let declared = |name: &str, target: &str| ingress(name).rule("a", &[&format!("Prefix / {target}")]);
    for (ingresses, winner) in [
        (vec![declared("b", "web:80").created(1), declared("a", "next:80").created(2)], "b"),
        (vec![declared("b", "web:80").created(1), declared("a", "next:80").created(1)], "a"),
        (vec![declared("b", "web:80"), declared("a", "next:80")], "a"),
        (vec![declared("b", "web:80").created(9), declared("a", "next:80")], "b"),
        (vec![declared("b", "web:80").of("alpha"), declared("a", "next:80").of("beta")], "b"),
    ] {
        let served = serve(&with(ingresses));
        let answer = served.answer("a", "/");
        assert!(answer.starts_with(winner), "{answer}");
        let told = served.told().into_iter().filter(|told| told.contains("which is older, has host a")).count();
        assert_eq!(told, 1, "{:?}", served.told());
    }
}

#[test]
fn ingresses_share_a_host_path_by_path() {
    let served = serve(&with(vec![
        ingress("a").rule("a", &["Prefix /x web:80", "Exact /y web:80"]),
        ingress("b").rule("a", &["Prefix /y next:80", "Prefix /x/z next:80"]),
    ]));
    served.check(&[
        ("a", "/x", "a Prefix /x -> shop/web:80"),
        ("a", "/x/z", "b Prefix /x/z -> shop/next:80"),
        ("a", "/y", "a Exact /y -> shop/web:80"),
        ("a", "/y/1", "b Prefix /y -> shop/next:80"),
    ]);
    served.check_told(&[]);
}

#[test]
fn a_default_backend_without_rules_is_for_every_host() {
    let served = serve(&with(vec![ingress("d").default_to("web:80"), ingress("r").rule("a", &["Prefix /x next:80"])]));
    served.check(&[
        ("my-host", "/", "d Default / -> shop/web:80"),
        ("my-host", "/sub-path", "d Default / -> shop/web:80"),
        ("a", "/x", "r Prefix /x -> shop/next:80"),
        ("a", "/y", "d Default / -> shop/web:80"),
    ]);
    served.check_told(&[]);
}

#[test]
fn a_default_backend_beside_rules_is_for_their_hosts_first() {
    let own = ingress("own").rule("a", &["Prefix /x next:80"]).bare_rule("b").default_to("web:81");
    let global = ingress("zglobal").default_to("web:80");
    let served = serve(&with(vec![own.clone(), global]));
    served.check(&[
        ("a", "/x", "own Prefix /x -> shop/next:80"),
        ("a", "/y", "own Default / -> shop/web:81"),
        ("b", "/y", "own Default / -> shop/web:81"),
        ("c", "/", "zglobal Default / -> shop/web:80"),
    ]);
    served.check_told(&[]);
    // With nobody else, it is for every host too; of several, the oldest.
    let other = ingress("p").rule("z", &["Prefix / next:80"]).default_to("next:80");
    serve(&with(vec![own, other])).check(&[("c", "/", "own Default / -> shop/web:81")]);
}

#[test]
fn the_oldest_default_backend_wins() {
    let served =
        serve(&with(vec![ingress("a").default_to("web:80").created(2), ingress("b").default_to("next:80").created(1)]));
    served.check(&[("x", "/", "b Default / -> shop/next:80")]);
    served.check_told(&["a: spec.defaultBackend: shop/b is older"]);
}

#[test]
fn a_host_without_paths_goes_to_the_default_backend_and_not_to_a_wildcard() {
    let served = serve(&with(vec![
        ingress("bare").bare_rule("a.foo.com"),
        ingress("wild").rule("*.foo.com", &["Prefix / web:80"]),
        ingress("zdefault").default_to("next:80"),
    ]));
    served.check(&[
        ("a.foo.com", "/", "zdefault Default / -> shop/next:80"),
        ("b.foo.com", "/", "wild Prefix / -> shop/web:80"),
    ]);
}

#[test]
fn nothing_to_serve_is_a_problem() {
    let served = serve(&with(vec![ingress("empty"), ingress("pathless").rule("a", &[])]));
    served.check(&[("a", "/", "404")]);
    served.check_told(&[
        "empty: spec.rules: there are neither",
        "pathless: spec.rules[0].http.paths: the rule has no path",
    ]);
}

#[test]
fn what_another_namespace_has_cannot_be_taken_but_ones_own_may_move() {
    let older = ingress("older").created(1).rule("a.test", &["Prefix / web:http"]);
    let rival = ingress("rival").of("other").created(2).rule("a.test", &["Prefix / web:http"]);
    let heir = ingress("heir").created(3).rule("a.test", &["Prefix / web:http"]);
    let served = serve(&with(vec![older, rival, heir]));
    let taken = |name: &str| {
        served.problems.iter().find(|problem| *problem.origin.name == *name && problem.field.ends_with("path"))
    };
    assert_eq!(taken("rival").unwrap().severity, Severity::Error);
    assert_eq!(taken("heir").unwrap().severity, Severity::Warning);
}
