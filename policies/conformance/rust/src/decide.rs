//! Every decision and every edit.

use cardea_policy_sdk::{Outcome, Reply, Request};

use crate::config::Config;
use crate::text::{from_hex, number, parameter, text};

pub fn outcome(path: &str, request: &Request, config: &Config) -> Option<Outcome> {
    let outcome = match path {
        "/config" => text(format!("{}\n{}\n{}", config.backend, config.limit, config.mark)),
        "/note" => note(request),
        "/decide/next" => Outcome::next(),
        "/decide/backend" => Outcome::to(parameter(request, "to")),
        "/decide/weighted" => Outcome::next().route_weighted([(config.backend.as_str(), 1), ("other", 3)]),
        "/decide/subset" => Outcome::next().route_subset([("zone", "eu-1"), ("node", "n1")]),
        "/decide/redirect" => Outcome::redirect(number(request, "status", 302), parameter(request, "location")),
        "/decide/respond" => respond(request),
        "/decide/deny" => deny(request),
        "/label" => Outcome::next().label("group", "testers").label("who", parameter(request, "who")),
        _ => return edit(path, request).or_else(|| follow(path, request)),
    };
    Some(outcome)
}

fn note(request: &Request) -> Outcome {
    let seen = || request.note("seen").map_or("absent".to_string(), |note| String::from_utf8_lossy(&note).into_owned());
    let before = seen();
    request.set_note("seen", parameter(request, "value").as_bytes());
    Outcome::next().label("before", before).label("after", seen()).follow_response().carry("n")
}

fn respond(request: &Request) -> Outcome {
    let reply =
        Reply::new(number(request, "status", 200)).header("x-one", "1").header("x-two", "2").header("x-one", "3");
    Outcome::respond(reply.body(parameter(request, "body")))
}

fn deny(request: &Request) -> Outcome {
    let denial =
        Outcome::deny(number(request, "status", 403), parameter(request, "reason")).with_header("x-denied", "yes");
    match request.query_param("retry").and_then(|text| text.parse().ok()) {
        Some(retry_after_ms) => denial.retry_after_ms(retry_after_ms),
        None => denial,
    }
}

fn edit(path: &str, request: &Request) -> Option<Outcome> {
    let outcome = match path {
        "/edit/all" => Outcome::next()
            .set_header("x-set", "one")
            .append_header("x-append", "a")
            .append_header("x-append", "b")
            .remove_header("x-remove")
            .set_header("x-empty", "")
            .set_path("/edited/path")
            .set_query(Some("a=1&b=2".to_string()))
            .set_authority("edited.test:8080"),
        "/edit/no-query" => Outcome::next().set_query(None),
        "/edit/response" => Outcome::next()
            .set_response_header("x-set", "one")
            .append_response_header("x-append", "b")
            .remove_response_header("x-remove"),
        "/edit/bytes" => {
            let bytes = from_hex(&parameter(request, "hex"));
            let outcome = Outcome::want_body(16, false).set_header("x-bytes", bytes.clone());
            outcome.set_response_header("x-bytes", bytes).carry("h")
        }
        _ => return None,
    };
    Some(outcome)
}

fn follow(path: &str, request: &Request) -> Option<Outcome> {
    let keyed = || format!("c{}", parameter(request, "key"));
    let outcome = match path {
        "/body" => {
            let deny = request.query_param("deny").is_some_and(|deny| deny == "1");
            Outcome::want_body(number(request, "max", 1024), deny).carry([b'b', 0, 0xff])
        }
        "/body/forward" => Outcome::want_body(1024, false).set_header("x-before", "body").carry("f"),
        "/follow/response" => Outcome::next().follow_response().carry([b'k', 0, 0x80, 0xff]),
        "/follow/replace" => Outcome::next().follow_response().carry("r"),
        "/follow/ask" => Outcome::next().follow_response().carry("q"),
        "/follow/complete" => Outcome::next().follow_complete().carry(keyed()),
        "/follow/both" => Outcome::next().follow_response().follow_complete().carry(keyed()),
        _ => return None,
    };
    Some(outcome)
}
