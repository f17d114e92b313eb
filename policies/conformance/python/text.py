"""Answers in plain text, and the parameters that paths take."""

from __future__ import annotations

from cardea import Outcome, Reply, Request


def text(body: str | bytes) -> Outcome:
    return Outcome.respond(Reply(200).header("content-type", "text/plain").with_body(body))


def absent() -> Outcome:
    return Outcome.respond(Reply(404))


def maybe(value: str | bytes | None) -> Outcome:
    return absent() if value is None else text(value)


def parameter(request: Request, name: str) -> str:
    return request.query_param(name) or ""


def number(request: Request, name: str, otherwise: int) -> int:
    given = request.query_param(name)
    return otherwise if given is None else int(given)
