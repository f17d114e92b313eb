"""Every interface beyond the exchange: log, metrics, clock, random, kept values, counters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from text import absent, number, parameter, text

from cardea import Outcome, Request, clock, counters, kv, log, metrics, random

if TYPE_CHECKING:
    from policy import Config


def outcome(path: str, request: Request, config: Config) -> Outcome | None:
    match path:
        case "/log":
            return text(write(parameter(request, "text")))
        case "/metrics":
            return text(series())
        case "/clock":
            return text(time())
        case "/clock/since":
            return text(since())
        case "/random/u64":
            return text(str(random.next_u64()))
        case "/random/bytes":
            return text(random.bytes(number(request, "len", 0)).hex())
        case "/fail":
            raise RuntimeError("as asked")
    return kept(path, request) or counted(path, request, config)


def write(line: str) -> str:
    answers = ""
    for level in ("trace", "debug", "info", "warn", "error"):
        is_kept = log.enabled(level)
        if is_kept:
            log.write(level, line)
        answers += "1" if is_kept else "0"
    return answers


def series() -> str:
    metrics.Counter("conformance_calls").add(1)
    level = metrics.Gauge("conformance_level")
    level.set(-5)
    level.add(3)
    metrics.Histogram("conformance_size").observe(42)
    metrics.Counter("conformance_calls").add(1)
    return "measured"


def time() -> str:
    now, ticks = clock.now_ms(), clock.monotonic_us()
    is_frozen = clock.now_ms() == now and clock.monotonic_us() == ticks
    return f"{now} {'frozen' if is_frozen else 'moved'}"


def since() -> str:
    now = clock.monotonic_us()
    before = kv.get("since")
    kv.set("since", str(now))
    return str(now - int(before.text)) if before else "first"


def kept(path: str, request: Request) -> Outcome | None:
    key = parameter(request, "key") if path.startswith("/kv/") else ""
    match path:
        case "/kv/get":
            entry = kv.get(key)
            return text(b"%d %b" % (entry.version, entry.value)) if entry else absent()
        case "/kv/set":
            size = request.query_param("size")
            value = parameter(request, "value") if size is None else "x" * int(size)
            return written(lambda: kv.set(key, value, number(request, "ttl", 0)))
        case "/kv/cas":
            version, value = number(request, "version", 0), parameter(request, "value")
            return written(lambda: kv.compare_and_set(key, version, value, number(request, "ttl", 0)))
        case "/kv/delete":
            kv.delete(key)
            return text("deleted")
    return None


def written(write: Callable[[], int]) -> Outcome:
    try:
        return text(f"version {write()}")
    except kv.KvError as error:
        return text(f"error {error.code}")


def counted(path: str, request: Request, config: Config) -> Outcome | None:
    key = parameter(request, "key") if path.startswith("/counters/") else ""
    match path:
        case "/counters/add":
            return text(str(counters.add(key, number(request, "delta", 0), number(request, "ttl", 0))))
        case "/counters/get":
            return text(str(counters.get(key)))
        case "/counters/take":
            cost, window = number(request, "cost", 1), number(request, "window", 0)
            bucket = counters.take(key, cost=cost, limit=config.limit, window=window)
            state = "allowed" if bucket.allowed else "refused"
            return text(f"{state} {bucket.remaining} {bucket.retry_after_ms}")
    return None
