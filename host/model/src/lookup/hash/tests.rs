#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{Hash, PRIME, Seeds, canonical, multiply};

/// The hash of a path, element by element.
fn path(seeds: &Seeds, path: &str) -> Hash {
    let mut hash = seeds.root();
    let mut at = 0;
    while at < path.len() {
        (at, hash) = seeds.element(hash, path.as_bytes(), at + 1);
    }
    seeds.node(seeds.any(), hash)
}

#[test]
fn multiplication_is_modulo_the_prime() {
    let big = (1u64 << 61) + (1 << 60);
    for (a, b) in [(0, 5), (1, PRIME - 1), (PRIME - 1, PRIME - 1), (big, PRIME - 1), (big, 3), (PRIME, 7)] {
        let want = u128::from(a) * u128::from(b) % u128::from(PRIME);
        assert_eq!(u128::from(canonical(multiply(a, b))), want, "{a} {b}");
    }
}

#[test]
fn paths_that_differ_in_structure_alone_differ() {
    let seeds = Seeds::random();
    let long = "a".repeat(7);
    let paths = [
        "",
        "/",
        "/a",
        "/a/",
        "/aa",
        "/a/a",
        &format!("/{long}"),
        &format!("/{long}a"),
        &format!("/{long}/a"),
        &format!("/{long}/"),
    ];
    for (at, one) in paths.iter().enumerate() {
        for other in paths.iter().skip(at + 1) {
            assert_ne!(path(&seeds, one), path(&seeds, other), "{one} {other}");
        }
    }
}

#[test]
fn a_host_is_not_its_wildcard_nor_its_root() {
    let seeds = Seeds::random();
    let hashes = [seeds.precise("a.b"), seeds.wildcard("a.b"), seeds.any()];
    let mut all: Vec<Hash> =
        hashes.iter().flat_map(|&host| [seeds.host(host), seeds.node(host, seeds.root())]).collect();
    all.dedup();
    assert_eq!(all.len(), 6);
}

proptest! {
    /// An element hashes alike wherever it stands: in the middle, at the end, before many bytes or few.
    #[test]
    fn what_follows_an_element_does_not_matter(element in "[a-z]{0,30}", before in "[a-z]{0,9}", after in "(/[a-z]{0,9})?") {
        let seeds = Seeds::random();
        let text = format!("{before}/{element}{after}");
        let (end, hash) = seeds.element(seeds.root(), text.as_bytes(), before.len() + 1);
        prop_assert_eq!(end, before.len() + 1 + element.len());
        prop_assert_eq!(hash, seeds.element(seeds.root(), element.as_bytes(), 0).1);
    }

    #[test]
    fn different_texts_differ(one in "[a-c/]{0,20}", other in "[a-c/]{0,20}") {
        let seeds = Seeds::random();
        let (one_hash, other_hash) = (path(&seeds, &format!("/{one}")), path(&seeds, &format!("/{other}")));
        prop_assert_eq!(one_hash == other_hash, one == other);
    }
}
