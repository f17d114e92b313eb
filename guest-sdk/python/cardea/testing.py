"""Runs a policy without an ingress: the same code, with doubles in place of the host.

    def test_testers_go_to_beta():
        outcome = start(Canary, {"header": "x-canary", "backend": "beta"}).request(headers={"x-canary": "1"})
        assert outcome == Outcome.to("beta")

The doubles answer as the ingress does, but for limits and the validation of outcomes, which `cardea policy test` checks on
the real engine. There is one world at a time; `start` begins a new one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union

from cardea._double import types
from cardea._double.world import enter, reset, world
from cardea.exchange import Request, Response
from cardea.outcome import Bytes, Outcome, ResponseOutcome, to_bytes
from cardea.policy import Body, Policy, Summary, checked
from cardea.policy import start as _start

Headers = Mapping[str, Union[Bytes, list[Bytes]]]


@dataclass
class _Exchange:
    method: str
    scheme: str
    authority: str
    path: str
    query: str | None
    client: str
    headers: list[types.Field]
    attributes: dict[str, str]
    status: int
    response_headers: list[types.Field]
    notes: dict[str, bytes] = field(default_factory=dict)


def _fields(headers: Headers) -> list[types.Field]:
    every = ((name, each) for name, value in headers.items() for each in (value if isinstance(value, list) else [value]))
    return [types.Field(name.lower(), to_bytes(value)) for name, value in every]


def exchange(
    target: str = "/",
    *,
    method: str = "GET",
    scheme: str = "https",
    authority: str = "shop.test",
    client: str = "192.0.2.1",
    headers: Headers | None = None,
    attributes: dict[str, str] | None = None,
    status: int = 0,
    response_headers: Headers | None = None,
) -> _Exchange:
    """A request, and what the backend answered to it. `target` is a path, and a query if there is one."""
    path, mark, query = target.partition("?")
    return _Exchange(
        method,
        scheme,
        authority,
        path,
        query if mark else None,
        client,
        _fields(headers or {}),
        attributes or {},
        status,
        _fields(response_headers or {}),
    )


class Running:
    """A policy that has started, with the state that it keeps between exchanges. Each call takes what `exchange` takes."""

    def __init__(self, policy: Policy[Any]) -> None:
        self.policy = policy

    def request(self, target: str = "/", **exchange_: Any) -> Outcome:
        enter(exchange(target, **exchange_))
        return checked(self.policy.on_request(Request()), "on_request", Outcome)

    def request_body(
        self, target: str, body: Bytes, *, complete: bool = True, carry: Bytes = b"", **exchange_: Any
    ) -> Outcome:
        enter(exchange(target, **exchange_))
        given = Body(to_bytes(body), complete, to_bytes(carry))
        return checked(self.policy.on_request_body(Request(), given), "on_request_body", Outcome)

    def response(self, target: str = "/", *, carry: Bytes = b"", **exchange_: Any) -> ResponseOutcome:
        enter(exchange(target, **exchange_))
        outcome = self.policy.on_response(Request(), Response(), to_bytes(carry))
        return checked(outcome, "on_response", ResponseOutcome)

    def complete(self, target: str = "/", *, carry: Bytes = b"", summary: Mapping[str, Any] | None = None, **exchange_: Any) -> None:
        enter(exchange(target, **exchange_))
        known = {"status": 200, "duration_us": 0, "upstream_us": 0, "bytes_in": 0, "bytes_out": 0, "retries": 0}
        given = Summary(**{"backend": None, "error": None, **known, **(summary or {})})
        self.policy.on_complete(Request(), given, to_bytes(carry))


def start(policy: type[Policy[Any]], config: Any = None) -> Running:
    """Starts a policy in a new world: nothing kept, the clock at 2026-01-01T00:00:00Z. A config that it refuses raises what
    the operator would read."""
    reset()
    return start_again(policy, config)


def start_again(policy: type[Policy[Any]], config: Any = None) -> Running:
    """Starts one more instance in the same world, as the ingress does: only kept state is shared."""
    return Running(_start(policy, json.dumps(config)))


def advance(milliseconds: int) -> None:
    """Moves both clocks on."""
    world.now_ms += milliseconds
    world.monotonic_us += milliseconds * 1000


def set_now_ms(now_ms: int) -> None:
    world.now_ms = now_ms


def draw(*fractions: float) -> None:
    """The next draws, each at least 0 and below 1. Later draws follow a fixed sequence."""
    world.draws.extend(int(fraction * (1 << 64)) for fraction in fractions)


def reads() -> list[str]:
    """What the exchange in hand was asked, in order, each once: `path`, `header:x-canary`, ..."""
    return list(world.reads)


def log_lines() -> list[str]:
    """What the policy logged, as `level: message`."""
    return list(world.log)


def metric(name: str) -> int | None:
    """The value of a counter or gauge, or the sum of a histogram."""
    return world.series.get(name)
