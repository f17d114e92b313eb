#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::{Draft, Index};
use crate::host::HostPattern;
use crate::path::{has_element_prefix, without_trailing_slash};
use crate::snapshot::{PathKind, RouteId};

type Rule = (HostPattern, String, PathKind);

fn rule(host: &str, kind: PathKind, path: &str) -> Rule {
    (HostPattern::parse(host).unwrap(), path.to_owned(), kind)
}

/// The index, and which of the rules it took: the rest repeat a host, path and kind.
fn index(rules: &[Rule], default: Option<RouteId>) -> (Index, Vec<usize>) {
    let mut draft = Draft::new();
    let taken = (0..rules.len()).filter(|&at| add(&mut draft, &rules[at], RouteId(at as u32)));
    let taken = taken.collect();
    draft.set_default(default);
    (draft.index().unwrap(), taken)
}

fn add(draft: &mut Draft, (host, path, kind): &Rule, route: RouteId) -> bool {
    let spot = draft.spot(host, path, *kind);
    let is_free = draft.get(spot).is_none();
    if is_free {
        draft.know(host);
        draft.set(spot, Some(route));
    }
    is_free
}

/// The definition, over the whole list.
fn reference(rules: &[Rule], default: Option<RouteId>, host: &str, path: &str) -> Option<RouteId> {
    let host_rank = |pattern: &HostPattern| match pattern {
        HostPattern::Precise(_) => 2,
        HostPattern::Wildcard(_) => 1,
        HostPattern::Any => 0,
    };
    let of_host = rules.iter().filter(|rule| rule.0.matches(host)).map(|rule| host_rank(&rule.0)).max();
    rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.0.matches(host) && Some(host_rank(&rule.0)) == of_host)
        .filter_map(|(at, (_, declared, kind))| path_rank(declared, *kind, path).map(|rank| (rank, at)))
        // The first of equals is the oldest.
        .max_by_key(|&(rank, at)| (rank, std::cmp::Reverse(at)))
        .map(|(_, at)| RouteId(at as u32))
        .or(default)
}

/// How good the match is: elements, then Exact, then characters; a default is worse than any match.
fn path_rank(declared: &str, kind: PathKind, path: &str) -> Option<(bool, usize, bool, usize)> {
    let matches = match kind {
        PathKind::Exact => declared == path,
        PathKind::Prefix => has_element_prefix(path, declared),
        PathKind::Default => return Some((false, 0, false, 0)),
    };
    let elements = without_trailing_slash(declared).matches('/').count();
    matches.then_some((true, elements, kind == PathKind::Exact, declared.len()))
}

/// Kubernetes documentation, "Ingress", table "Examples": kind, paths, request, and which path answers.
#[test]
fn the_examples_of_the_kubernetes_documentation_hold() {
    use PathKind::{Exact, Prefix};
    type Row = (&'static [(PathKind, &'static str)], &'static str, Option<u32>);
    let rows: [Row; 21] = [
        (&[(Prefix, "/")], "/any/path", Some(0)),
        (&[(Exact, "/foo")], "/foo", Some(0)),
        (&[(Exact, "/foo")], "/bar", None),
        (&[(Exact, "/foo")], "/foo/", None),
        (&[(Exact, "/foo/")], "/foo", None),
        (&[(Prefix, "/foo")], "/foo", Some(0)),
        (&[(Prefix, "/foo")], "/foo/", Some(0)),
        (&[(Prefix, "/foo/")], "/foo", Some(0)),
        (&[(Prefix, "/foo/")], "/foo/", Some(0)),
        (&[(Prefix, "/aaa/bb")], "/aaa/bbb", None),
        (&[(Prefix, "/aaa/bbb")], "/aaa/bbb", Some(0)),
        (&[(Prefix, "/aaa/bbb/")], "/aaa/bbb", Some(0)),
        (&[(Prefix, "/aaa/bbb")], "/aaa/bbb/", Some(0)),
        (&[(Prefix, "/aaa/bbb")], "/aaa/bbb/ccc", Some(0)),
        (&[(Prefix, "/aaa/bbb")], "/aaa/bbbxyz", None),
        (&[(Prefix, "/"), (Prefix, "/aaa")], "/aaa/ccc", Some(1)),
        (&[(Prefix, "/"), (Prefix, "/aaa"), (Prefix, "/aaa/bbb")], "/aaa/bbb", Some(2)),
        (&[(Prefix, "/"), (Prefix, "/aaa"), (Prefix, "/aaa/bbb")], "/ccc", Some(0)),
        (&[(Prefix, "/aaa")], "/ccc", None),
        (&[(Prefix, "/foo"), (Exact, "/foo")], "/foo", Some(1)),
        (&[(Exact, "/foo"), (Prefix, "/foo")], "/foo", Some(0)),
    ];
    for (paths, request, want) in rows {
        let rules: Vec<Rule> = paths.iter().map(|(kind, path)| rule("", *kind, path)).collect();
        let (index, _) = index(&rules, Some(RouteId(99)));
        assert_eq!(index.find("foo.com", request), Some(RouteId(want.unwrap_or(99))), "{paths:?} {request}");
    }
}

#[test]
fn the_longer_of_two_slashes_wins_and_exact_wins_over_both() {
    use PathKind::{Exact, Prefix};
    let rules = [rule("", Prefix, "/foo"), rule("", Prefix, "/foo/"), rule("", Exact, "/foo")];
    let (index, _) = index(&rules, None);
    for (path, want) in [("/foo", 2), ("/foo/", 1), ("/foo/bar", 1)] {
        assert_eq!(index.find("x", path), Some(RouteId(want)), "{path}");
    }
}

#[test]
fn a_host_that_is_found_keeps_the_request() {
    use PathKind::{Default, Prefix};
    let rules = [
        rule("", Prefix, "/"),
        rule("*.foo.com", Prefix, "/w"),
        rule("bar.foo.com", Prefix, "/b"),
        rule("own.foo.com", Prefix, "/o"),
        rule("own.foo.com", Default, "/"),
    ];
    let (index, _) = index(&rules, Some(RouteId(9)));
    for (host, path, want) in [
        ("bar.foo.com", "/b", 2),
        ("bar.foo.com", "/w", 9),
        ("bar.foo.com", "/", 9),
        ("own.foo.com", "/x", 4),
        ("other.foo.com", "/w", 1),
        ("other.foo.com", "/x", 9),
        ("a.b.foo.com", "/w", 0),
        ("foo.com", "/w", 0),
        ("[::1]", "/", 0),
        ("com", "/", 0),
    ] {
        assert_eq!(index.find(host, path), Some(RouteId(want)), "{host}{path}");
    }
}

#[test]
fn an_empty_index_has_no_route() {
    assert_eq!(Index::default().find("a", "/"), None);
    assert_eq!(Draft::new().index().unwrap().find("a", "/"), None);
}

#[test]
fn paths_deeper_than_the_mask_are_found_too() {
    let path = |depth: usize| "/a".repeat(depth);
    let rules: Vec<Rule> = [1, 30, 31, 32, 40].iter().map(|&depth| rule("h", PathKind::Prefix, &path(depth))).collect();
    let (index, _) = index(&rules, None);
    for (depth, want) in [(1, 0), (29, 0), (30, 1), (31, 2), (32, 3), (39, 3), (40, 4), (41, 4), (5000, 4)] {
        assert_eq!(index.find("h", &path(depth)), Some(RouteId(want)), "{depth}");
        assert_eq!(index.find("h", &(path(depth) + "/")), Some(RouteId(want)), "{depth}");
    }
    assert_eq!(index.find("h", &"/b".repeat(50)), None);
}

fn hosts() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        3 => "\\*\\.(a|b|a\\.b)",
        6 => "(a|b|a\\.b|b\\.a|a\\.a\\.b|c\\.a\\.b)",
    ]
}

/// Few elements, so that paths nest and repeat; now and then deeper than the mask.
fn declared_paths() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => ("(/(a|b|ab)){0,3}", "/?"),
        1 => ("(/a){28,34}(/b){0,2}", "/?"),
    ]
    .prop_map(|(path, slash)| if path.is_empty() { "/".to_owned() } else { path + &slash })
}

fn kinds() -> impl Strategy<Value = PathKind> {
    prop_oneof![5 => Just(PathKind::Prefix), 4 => Just(PathKind::Exact), 1 => Just(PathKind::Default)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_index_agrees_with_the_definition(
        rules in prop::collection::vec((hosts(), declared_paths(), kinds()), 0..40),
        has_default: bool,
        requests in prop::collection::vec(("[a-c](\\.[ab]){0,3}", declared_paths()), 1..40),
    ) {
        let rules: Vec<Rule> = rules.iter().map(|(host, path, kind)| rule(host, *kind, path)).collect();
        let default = has_default.then_some(RouteId(1000));
        let (index, taken) = index(&rules, default);
        for (host, path) in &requests {
            let want = reference(&rules, default, host, path);
            prop_assert_eq!(index.find(host, path), want, "{}{}", host, path);
            prop_assert!(want.is_none_or(|route| route.0 == 1000 || taken.contains(&(route.0 as usize))));
        }
    }

    /// Rules come and go one by one; after each the index is what it would be if it were made of the rest alone.
    #[test]
    fn a_draft_that_changes_agrees_with_the_definition(
        rules in prop::collection::vec((hosts(), declared_paths(), kinds()), 1..20),
        edits in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        requests in prop::collection::vec(("[a-c](\\.[ab]){0,3}", declared_paths()), 1..10),
    ) {
        let rules: Vec<Rule> = rules.iter().map(|(host, path, kind)| rule(host, *kind, path)).collect();
        let mut draft = Draft::new();
        let mut live = vec![false; rules.len()];
        for edit in edits {
            let at = edit.index(rules.len());
            let (host, path, kind) = &rules[at];
            if live[at] {
                draft.set(draft.spot(host, path, *kind), None);
                draft.forget(host);
            }
            live[at] = !live[at] && add(&mut draft, &rules[at], RouteId(at as u32));
            let index = draft.index().unwrap();
            let numbers: Vec<usize> = (0..rules.len()).filter(|&at| live[at]).collect();
            let declared: Vec<Rule> = numbers.iter().map(|&at| rules[at].clone()).collect();
            for (host, path) in &requests {
                let want = reference(&declared, None, host, path).map(|found| RouteId(numbers[found.0 as usize] as u32));
                prop_assert_eq!(index.find(host, path), want, "{}{}", host, path);
            }
        }
    }
}
