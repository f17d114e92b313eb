#![allow(clippy::unwrap_used)]

use super::Families;

const PAGE: &str = "\
# HELP cardea_a_total A.
# TYPE cardea_a_total counter
cardea_a_total{reason=\"x, \\\"y\\\"\",route=\"r\"} 1
# HELP cardea_b_seconds B.
# TYPE cardea_b_seconds histogram
cardea_b_seconds_bucket{le=\"1\"} 1
";

#[test]
fn what_is_not_on_the_page_is_found() {
    let families = Families::of(PAGE).unwrap();
    let good = [
        "sum by (route) (rate(cardea_a_total{reason=~\"x|y\",pod=\"p\"}[5m])) > 0.5",
        "histogram_quantile(0.9, sum by (le, namespace) (rate(cardea_b_seconds_bucket[5m])))",
        "cardea_a_total / cardea_b_seconds_count",
    ];
    for expression in good {
        families.check(expression).unwrap();
    }
    let wrong = [
        ("up", "no series of ours"),
        ("cardea_a", "no cardea_a,"),
        ("cardea_a_total_bucket", "no cardea_a_total_bucket"),
        ("cardea_a_total{rout=\"r\"}", "no label rout"),
        ("cardea_b_seconds_sum{reason!=\"r\"}", "no label reason"),
        ("sum by (backend) (cardea_a_total)", "the label backend"),
    ];
    for (expression, said) in wrong {
        let error = families.check(expression).unwrap_err().to_string();
        assert!(error.contains(said), "{expression}: {error}");
    }
}
