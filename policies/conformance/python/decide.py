"""Every decision and every edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text import number, parameter, text

from cardea import Outcome, Reply, Request

if TYPE_CHECKING:
    from policy import Config


def outcome(path: str, request: Request, config: Config) -> Outcome | None:
    match path:
        case "/config":
            return text(f"{config.backend}\n{config.limit}\n{config.mark}")
        case "/note":
            return note(request)
        case "/decide/next":
            return Outcome.next()
        case "/decide/backend":
            return Outcome.to(parameter(request, "to"))
        case "/decide/weighted":
            return Outcome.next().route_weighted({config.backend: 1, "other": 3})
        case "/decide/subset":
            return Outcome.next().route_subset({"zone": "eu-1", "node": "n1"})
        case "/decide/redirect":
            return Outcome.redirect(number(request, "status", 302), parameter(request, "location"))
        case "/decide/respond":
            reply = Reply(number(request, "status", 200)).header("x-one", "1").header("x-two", "2").header("x-one", "3")
            return Outcome.respond(reply.with_body(parameter(request, "body")))
        case "/decide/deny":
            return deny(request)
        case "/label":
            return Outcome.next().label("group", "testers").label("who", parameter(request, "who"))
    return edit(path, request) or follow(path, request)


def note(request: Request) -> Outcome:
    def seen() -> str:
        found = request.note_text("seen")
        return "absent" if found is None else found

    before = seen()
    request.set_note("seen", parameter(request, "value"))
    return Outcome.next().label("before", before).label("after", seen()).follow_response().with_carry("n")


def deny(request: Request) -> Outcome:
    denial = Outcome.deny(number(request, "status", 403), parameter(request, "reason")).with_header("x-denied", "yes")
    retry = request.query_param("retry")
    return denial if retry is None else denial.retry_after(int(retry))


def edit(path: str, request: Request) -> Outcome | None:
    match path:
        case "/edit/all":
            return (
                Outcome.next()
                .set_header("x-set", "one")
                .append_header("x-append", "a")
                .append_header("x-append", "b")
                .remove_header("x-remove")
                .set_header("x-empty", "")
                .set_path("/edited/path")
                .set_query("a=1&b=2")
                .set_authority("edited.test:8080")
            )
        case "/edit/no-query":
            return Outcome.next().set_query(None)
        case "/edit/response":
            outcome = Outcome.next().set_response_header("x-set", "one").append_response_header("x-append", "b")
            return outcome.remove_response_header("x-remove")
        case "/edit/bytes":
            data = bytes.fromhex(parameter(request, "hex"))
            outcome = Outcome.want_body(16).set_header("x-bytes", data).set_response_header("x-bytes", data)
            return outcome.with_carry("h")
    return None


def follow(path: str, request: Request) -> Outcome | None:
    match path:
        case "/body":
            is_denied = request.query_param("deny") == "1"
            return Outcome.want_body(number(request, "max", 1024), deny_on_overflow=is_denied).with_carry(b"b\x00\xff")
        case "/body/forward":
            return Outcome.want_body(1024).set_header("x-before", "body").with_carry("f")
        case "/follow/response":
            return Outcome.next().follow_response().with_carry(b"k\x00\x80\xff")
        case "/follow/replace":
            return Outcome.next().follow_response().with_carry("r")
        case "/follow/ask":
            return Outcome.next().follow_response().with_carry("q")
        case "/follow/complete":
            return Outcome.next().follow_complete().with_carry("c" + parameter(request, "key"))
        case "/follow/both":
            return Outcome.next().follow_response().follow_complete().with_carry("c" + parameter(request, "key"))
    return None
