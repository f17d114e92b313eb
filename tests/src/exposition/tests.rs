#![allow(clippy::unwrap_used, reason = "tests")]

use super::check;

const GOOD: &str = r#"# HELP cardea_asked_total Questions.
# TYPE cardea_asked_total counter
cardea_asked_total{who="a \"b\" \\ \n"} 1
cardea_asked_total{who="b"} 2.5e3
# HELP cardea_open Open now.
# TYPE cardea_open gauge
cardea_open -1
# HELP cardea_took_seconds How long.
# TYPE cardea_took_seconds histogram
cardea_took_seconds_bucket{le="0.1"} 1
cardea_took_seconds_bucket{le="1"} 1
cardea_took_seconds_bucket{le="+Inf"} 3
cardea_took_seconds_sum 4.5
cardea_took_seconds_count 3
# HELP cardea_empty_total Nothing yet.
# TYPE cardea_empty_total counter
"#;

#[test]
fn a_good_page_is_good() {
    assert_eq!(check(GOOD).unwrap().len(), 4);
}

#[test]
fn each_fault_is_found() {
    for (from, to, fault) in [
        ("3\n# HELP cardea_empty", "3 # HELP cardea_empty", "not a number"),
        ("# HELP cardea_open Open now.\n", "", "after its # HELP"),
        ("# TYPE cardea_open gauge\n", "", "before its # TYPE"),
        (" gauge", " guage", "not a type"),
        (" gauge", " untyped", "no type"),
        ("cardea_open -1", "cardea_open  -1", "not a number"),
        ("cardea_open -1", "cardea_open one", "not a number"),
        ("cardea_open -1", "cardea_open inf", "not a number"),
        ("cardea_open -1", "cardea_open -1\ncardea_open 2", "twice"),
        ("cardea_open -1", "cardea_closed -1", "not of the family"),
        ("cardea_open -1", "cardea_open_sum -1", "not a sample of a gauge"),
        ("cardea_open", "cardea_open_total", "`_total`"),
        ("cardea_asked_total", "cardea_asked", "`_total`"),
        ("cardea_open", "cardea_open_count", "suffix"),
        ("cardea_open", "cardea_Open", "snake"),
        ("cardea_open", "cardea_open_gauge", "type in its name"),
        ("cardea_open", "open", "namespace"),
        ("cardea_took_seconds", "cardea_took_ms", "base unit"),
        ("cardea_took_seconds", "cardea_took_milliseconds", "base unit"),
        ("cardea_empty_total", "cardea_asked_total", "comes twice"),
        ("{who=\"b\"}", "{who=\"b\",who=\"c\"}", "comes twice"),
        ("{who=\"b\"}", "{le=\"b\"}", "for histograms"),
        ("{who=\"b\"}", "{who=\"b}", "does not end"),
        ("{who=\"b\"}", "{who=\"\\t\"}", "escape"),
        ("{who=\"b\"}", "{9=\"b\"}", "label name"),
        ("2.5e3", "-1", "below zero"),
        ("{le=\"1\"} 1", "{le=\"1\"} 0", "do not rise"),
        ("{le=\"1\"}", "{le=\"0.1\"}", "twice"),
        ("cardea_took_seconds_bucket{le=\"+Inf\"} 3\n", "", "+Inf"),
        ("count 3", "count 2", "the count"),
        ("cardea_took_seconds_sum 4.5\n", "", "its sum"),
    ] {
        let page = GOOD.replace(from, to);
        assert_ne!(page, GOOD, "{from}");
        let found = check(&page).map(|_| ()).map_err(|error| format!("{error:#}"));
        assert!(found.as_ref().is_err_and(|found| found.contains(fault)), "{from:?} -> {to:?}: {found:?}");
    }
}
