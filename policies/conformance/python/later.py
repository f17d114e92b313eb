"""The later phases, by the first byte of what the request phase carried over."""

from __future__ import annotations

from ask import seen
from text import absent, text

from cardea import Body, Outcome, Reply, Request, Response, ResponseOutcome, Summary, kv


def body(request: Request, body: Body) -> Outcome:
    match body.carry[:1]:
        case b"b":
            head = f"{len(body.data)} {'complete' if body.complete else 'cut'} {body.carry.hex()}\n"
            return text(head.encode() + body.data)
        case b"f":
            outcome = Outcome.next().set_header("x-length", str(len(body.data))).label("phase", "body")
            return outcome.follow_response().with_carry("q")
        case b"h":
            value = request.header_bytes("x-bytes")
            return absent() if value is None else text(value.hex())
    return Outcome.next()


def response(request: Request, response: Response, carry: bytes) -> ResponseOutcome:
    keep = ResponseOutcome.keep()
    match carry[:1]:
        case b"k":
            return keep.set_header("x-carry", carry.hex()).append_header("x-append", "b").remove_header("x-remove")
        case b"r":
            reply = Reply(203).header("x-replaced", "yes").with_body(seen(response))
            return ResponseOutcome.replace(reply).set_header("x-edited", "yes")
        case b"q":
            return keep.set_header("x-seen", seen(response))
        case b"n":
            note = request.note("seen")
            return keep.set_header("x-note", "absent" if note is None else note)
        case b"c":
            return keep.set_header("x-both", "yes").with_carry(carry + b"-later")
    return keep


def complete(summary: Summary, carry: bytes) -> None:
    if carry[:1] != b"c":
        return
    timed = "timed" if summary.duration_us >= summary.upstream_us else "untimed"
    parts = [summary.status, summary.backend or "none", summary.error or "none", summary.retries]
    kv.set(carry[1:].decode(), " ".join(str(part) for part in [*parts, summary.bytes_in, summary.bytes_out, timed]))
