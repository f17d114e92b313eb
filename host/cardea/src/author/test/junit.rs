//! The outcome as JUnit's XML, which CI systems show.

use std::fmt::Write;

use super::suite::{Outcome, Played};

pub fn report(outcomes: &[Outcome]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for outcome in outcomes {
        let (name, tests, failures) = (escape(&outcome.name), outcome.cases.len(), outcome.failed());
        // Writing to a string does not fail.
        let _ = writeln!(xml, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">");
        outcome.cases.iter().for_each(|case| add(&mut xml, &name, case));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn add(xml: &mut String, suite: &str, case: &Played) {
    let (name, seconds) = (escape(&case.promise), case.took.as_secs_f64());
    let _ = write!(xml, "    <testcase classname=\"{suite}\" name=\"{name}\" time=\"{seconds:.6}\"");
    let Some(first) = case.broken.first() else {
        xml.push_str("/>\n");
        return;
    };
    let (message, all) = (escape(first), escape(&case.broken.join("\n")));
    let _ = writeln!(xml, ">\n      <failure message=\"{message}\">{all}</failure>\n    </testcase>");
}

/// Text and attribute values alike; what XML 1.0 cannot hold at all becomes a replacement character.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::author::mistake::Mistake;

    #[test]
    fn a_policy_that_does_not_build_is_a_failure() {
        let mistake = Mistake::policy("canary: policy.c does not compile", "correct the source");
        let xml = report(&[Outcome::untested(String::from("canary"), &mistake)]);
        assert!(xml.contains("<testsuite name=\"canary\" tests=\"1\" failures=\"1\">"), "{xml}");
        assert!(xml.contains("<failure message=\"canary: policy.c does not compile\">"), "{xml}");
        assert!(xml.contains("\ncorrect the source</failure>"), "{xml}");
    }

    #[test]
    fn a_broken_promise_is_a_failure_and_its_text_is_escaped() {
        let case = |promise: &str, broken: &[&str]| Played {
            promise: promise.to_owned(),
            broken: broken.iter().map(|line| (*line).to_owned()).collect(),
            took: Duration::from_millis(2),
        };
        let cases = vec![case("a < b", &[]), case("c", &["got \"x\" & \u{1}"])];
        let xml = report(&[Outcome { name: String::from("canary"), cases }]);
        assert!(xml.contains("<testsuite name=\"canary\" tests=\"2\" failures=\"1\">"), "{xml}");
        assert!(xml.contains("<testcase classname=\"canary\" name=\"a &lt; b\" time=\"0.002000\"/>"), "{xml}");
        assert!(xml.contains("<failure message=\"got &quot;x&quot; &amp; \u{fffd}\">"), "{xml}");
    }
}
