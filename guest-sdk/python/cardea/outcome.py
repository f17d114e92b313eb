"""What a phase decides: one value, built by chaining, applied by the host all or nothing.

The objects have the attributes that the component hands to the host, so that nothing is converted on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Union

from cardea._types import types

Bytes = Union[str, bytes, bytearray, memoryview]
"""A text, sent as UTF-8, or bytes as they are."""

_NONE = types.Phases(0)


def to_bytes(value: Bytes) -> bytes:
    """Bytes as they are, a text as UTF-8."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"expected a text or bytes, got {type(value).__name__}")


def _text(value: str, what: str) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"{what}: expected a text, got {type(value).__name__}")


def _whole(value: int, most: int, what: str) -> int:
    if isinstance(value, int) and 0 <= value <= most:
        return int(value)
    raise ValueError(f"{what}: expected a whole number up to {most}, got {value!r}")


def _field(name: str, value: Bytes) -> types.Field:
    return types.Field(_text(name, "name of a header"), to_bytes(value))


def _pairs(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    return [(_text(key, "label"), _text(value, f"label {key}")) for key, value in items]


@dataclass
class Reply:
    """An answer made by the policy: status 200 to 599, at most 1 MiB of body."""

    status: int
    headers: list[types.Field] = field(default_factory=list)
    body: bytes = b""

    def __post_init__(self) -> None:
        _whole(self.status, 999, "status")
        self.body = to_bytes(self.body)

    def header(self, name: str, value: Bytes) -> Reply:
        self.headers.append(_field(name, value))
        return self

    def with_body(self, body: Bytes) -> Reply:
        self.body = to_bytes(body)
        return self

    def _lowered(self) -> types.Response:
        return types.Response(self.status, self.headers, self.body)


@dataclass
class Outcome:
    """What a request phase decides. Begin with `next`, `to`, `deny`, `redirect`, `respond` or `want_body`, then chain."""

    decision: types.Decision
    edits: list[types.Edit] = field(default_factory=list)
    response_edits: list[types.Edit] = field(default_factory=list)
    follow: types.Phases = _NONE
    carry: bytes = b""
    labels: list[tuple[str, str]] = field(default_factory=list)

    @staticmethod
    def next() -> Outcome:
        """No opinion: the next policy, then the route's own backend."""
        return Outcome(types.Decision_Next())

    @staticmethod
    def to(backend: str) -> Outcome:
        """To a backend that the route declares."""
        return Outcome.next().route(backend)

    @staticmethod
    def deny(status: int, reason: str) -> Outcome:
        """Refuses. `status` is 400 to 599, `reason` a token of at most 64 bytes; the host renders the body."""
        denial = types.Denial(_whole(status, 999, "status"), _text(reason, "reason"), [], None)
        return Outcome(types.Decision_Deny(denial))

    @staticmethod
    def redirect(status: int, location: str) -> Outcome:
        """`status` is 301, 302, 303, 307 or 308."""
        redirect = types.Redirect(_whole(status, 999, "status"), _text(location, "location"))
        return Outcome(types.Decision_Redirect(redirect))

    @staticmethod
    def respond(reply: Reply) -> Outcome:
        return Outcome(types.Decision_Respond(reply._lowered()))

    @staticmethod
    def want_body(max_bytes: int, *, deny_on_overflow: bool = False) -> Outcome:
        """Asks for the body: at most `max_bytes` of it, within the policy's `limits.body`. A longer body is cut, or with
        `deny_on_overflow` answered 413."""
        demand = types.BodyDemand(_whole(max_bytes, 0xFFFF_FFFF, "max_bytes"), bool(deny_on_overflow))
        return Outcome(types.Decision_WantBody(demand))

    def route(self, backend: str) -> Outcome:
        """Chooses a backend that the route declares, in place of the decision so far."""
        return self._decide(types.Target_Backend(_text(backend, "backend")))

    def route_weighted(self, backends: Mapping[str, int] | Iterable[tuple[str, int]]) -> Outcome:
        """Lets the host draw a backend by weight, of the sum; at most 16."""
        items = backends.items() if isinstance(backends, Mapping) else backends
        weighted = [
            types.Weighted(_text(backend, "backend"), _whole(weight, 0xFFFF_FFFF, f"weight of {backend}"))
            for backend, weight in items
        ]
        return self._decide(types.Target_Weighted(weighted))

    def route_subset(self, labels: Mapping[str, str] | Iterable[tuple[str, str]]) -> Outcome:
        """Keeps the route's own backend, but only its endpoints that carry all of these labels."""
        return self._decide(types.Target_Subset(_pairs(labels)))

    def _decide(self, target: types.Target) -> Outcome:
        self.decision = types.Decision_Route(target)
        return self

    def set_header(self, name: str, value: Bytes) -> Outcome:
        """Sets a request header, in place of all its values."""
        self.edits.append(types.Edit_Set(_field(name, value)))
        return self

    def append_header(self, name: str, value: Bytes) -> Outcome:
        self.edits.append(types.Edit_Append(_field(name, value)))
        return self

    def remove_header(self, name: str) -> Outcome:
        self.edits.append(types.Edit_Remove(_text(name, "name of a header")))
        return self

    def set_path(self, path: str) -> Outcome:
        """Absolute. Does not route again."""
        self.edits.append(types.Edit_SetPath(_text(path, "path")))
        return self

    def set_query(self, query: str | None) -> Outcome:
        """`None` takes the query away."""
        self.edits.append(types.Edit_SetQuery(None if query is None else _text(query, "query")))
        return self

    def set_authority(self, authority: str) -> Outcome:
        self.edits.append(types.Edit_SetAuthority(_text(authority, "authority")))
        return self

    def set_response_header(self, name: str, value: Bytes) -> Outcome:
        """Sets a header of the response, without a call in the response phase."""
        self.response_edits.append(types.Edit_Set(_field(name, value)))
        return self

    def append_response_header(self, name: str, value: Bytes) -> Outcome:
        self.response_edits.append(types.Edit_Append(_field(name, value)))
        return self

    def remove_response_header(self, name: str) -> Outcome:
        self.response_edits.append(types.Edit_Remove(_text(name, "name of a header")))
        return self

    def with_header(self, name: str, value: Bytes) -> Outcome:
        """Adds a header to the answer of a `deny` or `respond`; nothing otherwise."""
        if isinstance(self.decision, (types.Decision_Deny, types.Decision_Respond)):
            self.decision.value.headers.append(_field(name, value))
        return self

    def retry_after(self, milliseconds: int) -> Outcome:
        """Adds Retry-After to the answer of a `deny`; nothing otherwise."""
        if isinstance(self.decision, types.Decision_Deny):
            self.decision.value.retry_after_ms = _whole(milliseconds, 0xFFFF_FFFF, "retry_after")
        return self

    def follow_response(self) -> Outcome:
        """Asks for `on_response` in this exchange."""
        self.follow |= types.Phases.RESPONSE
        return self

    def follow_complete(self) -> Outcome:
        """Asks for `on_complete` in this exchange."""
        self.follow |= types.Phases.COMPLETE
        return self

    def with_carry(self, carry: Bytes) -> Outcome:
        """Hands at most 4 KiB to the later phases, which another instance may serve."""
        self.carry = to_bytes(carry)
        return self

    def label(self, key: str, value: str) -> Outcome:
        """A label of the access line; at most 16."""
        self.labels.append((_text(key, "label"), _text(value, f"label {key}")))
        return self


@dataclass
class ResponseOutcome:
    """What the response phase decides."""

    replacement: types.Response | None = None
    edits: list[types.Edit] = field(default_factory=list)
    carry: bytes = b""

    @staticmethod
    def keep() -> ResponseOutcome:
        """The backend's answer as it is, but for the edits chained on."""
        return ResponseOutcome()

    @staticmethod
    def replace(reply: Reply) -> ResponseOutcome:
        """This answer in place of the backend's."""
        return ResponseOutcome(reply._lowered())

    def set_header(self, name: str, value: Bytes) -> ResponseOutcome:
        self.edits.append(types.Edit_Set(_field(name, value)))
        return self

    def append_header(self, name: str, value: Bytes) -> ResponseOutcome:
        self.edits.append(types.Edit_Append(_field(name, value)))
        return self

    def remove_header(self, name: str) -> ResponseOutcome:
        self.edits.append(types.Edit_Remove(_text(name, "name of a header")))
        return self

    def with_carry(self, carry: Bytes) -> ResponseOutcome:
        """For `on_complete`."""
        self.carry = to_bytes(carry)
        return self
