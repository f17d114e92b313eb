"""What an author writes: a class with the config's type and the phases that the policy has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args, get_origin

from cardea import config as _config
from cardea._types import types
from cardea.exchange import Request, Response
from cardea.outcome import Outcome, ResponseOutcome

C = TypeVar("C")
Summary = types.Summary
"""What became of an exchange: `status`, `duration_us`, `upstream_us`, `bytes_in`, `bytes_out`, `backend`, `retries`,
`error`."""

LATER = ("on_request_body", "on_response", "on_complete")


@dataclass(frozen=True)
class Body:
    """What was buffered of the request's body."""

    data: bytes
    complete: bool
    """Whether this is all of it."""
    carry: bytes
    """What `on_request` carried over."""


class Policy(Generic[C]):
    """`class Canary(Policy[Config])`, where `Config` is a dataclass that `spec.config` is read into; without a type the
    parsed JSON is `self.config` as it is."""

    config: C

    def __init__(self, config: C) -> None:
        """Runs once for an instance. A `ConfigError` or `ValueError` refuses the config: the last good version serves."""
        self.config = config

    def on_request(self, request: Request) -> Outcome:
        """For each request."""
        raise NotImplementedError("define on_request")

    def on_request_body(self, request: Request, body: Body) -> Outcome:
        """After this policy answered `Outcome.want_body`."""
        raise NotImplementedError("define on_request_body")

    def on_response(self, request: Request, response: Response, carry: bytes) -> ResponseOutcome:
        """When the backend's head is here, if the outcome asked for it with `follow_response`."""
        raise NotImplementedError("define on_response")

    def on_complete(self, request: Request, summary: Summary, carry: bytes) -> None:
        """When the exchange is over, if the outcome asked for it with `follow_complete`. Nobody waits for it."""
        raise NotImplementedError("define on_complete")


def phases(policy: type[Policy[Any]]) -> list[str]:
    """The phases that a policy defines."""
    return [name for name in ("on_request", *LATER) if getattr(policy, name) is not getattr(Policy, name)]


def config_type(policy: type[Policy[Any]]) -> Any:
    """What stands in the brackets of `Policy[..]`; `None` if nothing does."""
    for kind in policy.__mro__:
        for base in getattr(kind, "__orig_bases__", ()):
            if get_origin(base) is Policy and not isinstance(get_args(base)[0], TypeVar):
                return get_args(base)[0]
    return None


def start(policy: type[Policy[Any]], text: str) -> Policy[Any]:
    """An instance, of the JSON text of the config."""
    return policy(_config.parse(text, config_type(policy)))


def checked(outcome: Any, phase: str, kind: type) -> Any:
    """The outcome, if it is one."""
    if isinstance(outcome, kind):
        return outcome
    raise TypeError(f"{phase} must return {kind.__name__}, and returned {type(outcome).__name__}")
