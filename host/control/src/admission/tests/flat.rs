//! An answer takes as long with ten thousand Ingresses as with ten.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_model::config::Config;

use super::kit::{WORLD, config, index, ingress, object, rule};
use crate::admission::{Index, check};
use crate::file::Object;

/// Ingresses of hosts of their own, and as many again that share one host; all of one Service.
fn crowd(count: usize) -> Arc<Index> {
    let mut config: Config = config(WORLD);
    let make = |name: String, host: String, path: String| {
        let text = ingress("", &rule(&host, "Prefix", &path)).replace("name: new", &format!("name: {name}"));
        match object(&text) {
            Object::Ingress(ingress) => ingress,
            other => panic!("{other:?}"),
        }
    };
    for at in 0..count / 2 {
        config.ingresses.push(make(format!("own-{at}"), format!("h{at}.test"), "/".to_owned()));
        config.ingresses.push(make(format!("shared-{at}"), "shared.test".to_owned(), format!("/p{at}")));
    }
    index(&config)
}

/// The quickest of many, which is what the work takes when nothing else runs.
fn quickest(index: &Index, object: &Object) -> Duration {
    let once = || {
        let start = Instant::now();
        black_box(check(index, black_box(object), None));
        start.elapsed()
    };
    (0..300).map(|_| once()).min().unwrap_or_default()
}

#[test]
fn the_time_of_an_answer_does_not_grow_with_the_cluster() {
    let (few, many) = (crowd(10), crowd(10_000));
    for (host, path) in [("b.test", "/"), ("shared.test", "/p1"), ("h1.test", "/")] {
        let asked = object(&ingress("cardea.dev/policies: guard", &rule(host, "Prefix", path)));
        let (few, many) = (quickest(&few, &asked), quickest(&many, &asked));
        assert!(many < few * 4 + Duration::from_micros(20), "{host}{path}: {few:?} with 10, {many:?} with 10,000");
    }
}
