"""The exports of a component, for the entry that the build writes. Only in a component: imports what componentize-py makes."""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from componentize_py_types import Err  # type: ignore[import-not-found]
from wit_world.imports import types  # type: ignore[import-not-found]

from cardea.config import ConfigError
from cardea.exchange import Request, Response
from cardea.outcome import Outcome, ResponseOutcome
from cardea.policy import Body, Policy, checked, start

Report = Callable[[str, str], None]

PLACES_MAX = 8
"""Of an error; a recursion without an end has hundreds."""

_request, _response = Request(), Response()
_policy: Any = None


class _Lines:
    """Standard output of a policy: whole lines to the log, or nowhere; the host has no other place for them."""

    def __init__(self, report: Report | None, level: str) -> None:
        self._report, self._level, self._rest = report, level, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if self._report and line:
                self._report(self._level, line)
        return len(text)

    def flush(self) -> None:
        pass


def exports(policy: type[Policy[Any]], report: Report | None) -> dict[str, type]:
    """The classes that componentize-py looks for. `report` writes to the log, where the policy has one."""

    def guarded(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except BaseException as error:
            if report:
                report("error", _told(error))
            # The interpreter would write the same again, and look for sources where there are no files.
            sys.stderr = _Lines(None, "")
            raise

    class Lifecycle:
        def init(self, config: str) -> None:
            global _policy
            sys.stdout, sys.stderr = _Lines(report, "info"), _Lines(report, "warn")
            try:
                _policy = start(policy, config)
            except ConfigError as error:
                raise Err(str(error)) from None
            except Exception as error:
                raise Err(_told(error)) from None
            gc.freeze()

    class OnRequest:
        def handle(self) -> Any:
            return guarded(lambda: checked(_policy.on_request(_request), "on_request", Outcome))

    class OnRequestBody:
        def handle(self, body: bytes, complete: bool, carry: bytes) -> Any:
            given = Body(body, complete, carry)
            return guarded(lambda: checked(_policy.on_request_body(_request, given), "on_request_body", Outcome))

    class OnResponse:
        def handle(self, carry: bytes) -> Any:
            def call() -> ResponseOutcome:
                return checked(_policy.on_response(_request, _response, carry), "on_response", ResponseOutcome)

            outcome = guarded(call)
            return types.ResponseOutcome(outcome.replacement, outcome.edits, outcome.carry)

    class OnComplete:
        def handle(self, summary: Any, carry: bytes) -> None:
            guarded(lambda: _policy.on_complete(_request, summary, carry))

    _without_clock_and_chance()
    sys.meta_path[:] = [_NoFiles()]
    # What is there now is in every instance from its start, and the collector need not look at it again.
    gc.collect()
    gc.freeze()
    made = [Lifecycle, OnRequest, OnRequestBody, OnResponse, OnComplete]
    return {kind.__name__: kind for kind in made}


class _NoFiles:
    """Finds no module: what was not imported when the component was made is not in it."""

    def find_spec(self, name: str, *_: Any) -> None:
        raise ImportError(f"{name} is not in the component: import it at the top of a module")


def _told(error: BaseException) -> str:
    """An error and where it came from, innermost first: `ValueError: no such group at policy.py:12, groups.py:3`.

    Not by `traceback`, which would look for the sources, and a component has no files.
    """
    places, trace = [], error.__traceback__
    while trace:
        # Modules lie in a folder called by a number.
        name = trace.tb_frame.f_code.co_filename.removeprefix("/").split("/", 1)[-1]
        if not name.startswith("cardea/") and name != "cardea_entry.py":
            places.append(f"{name}:{trace.tb_lineno}")
        trace = trace.tb_next
    text = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"{text} at {', '.join(places[: -PLACES_MAX - 1 : -1])}" if places else text


def _without_clock_and_chance() -> None:
    """The interpreter's own would end the instance without a word, or draw the same numbers in every instance."""

    def none(name: str, instead: str) -> Callable[..., Any]:
        def refuse(*_: Any, **__: Any) -> Any:
            raise RuntimeError(f"{name} does not work in a policy: use {instead}")

        return refuse

    for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"):
        setattr(time, name, none(f"time.{name}", "cardea.clock"))
    for name in ("random", "randint", "randrange", "choice", "choices", "shuffle", "sample", "uniform", "getrandbits"):
        setattr(random, name, none(f"random.{name}", "cardea.random"))
