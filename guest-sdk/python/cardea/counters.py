"""Atomic counters and token buckets of this ingress process; they survive a swap of the module. Needs the grant
`counters`."""

from __future__ import annotations

from typing import NamedTuple

from cardea.duration import Ttl, milliseconds

try:
    from wit_world.imports import counters as _host  # type: ignore[import-not-found]
except ImportError:
    from cardea._double import counters as _host


class Bucket(NamedTuple):
    allowed: bool
    remaining: int
    retry_after_ms: int


def add(key: str, delta: int = 1, ttl: Ttl = 0) -> int:
    """Returns the new value. The counter expires `ttl` after it was made; 0: never."""
    return _host.add(key, delta, milliseconds(ttl))


def get(key: str) -> int:
    return _host.get(key)


def take(key: str, *, limit: int, window: Ttl, cost: int = 1) -> Bucket:
    """Takes `cost` of a bucket that holds `limit` and refills within `window`."""
    bucket = _host.take(key, cost, limit, milliseconds(window))
    return Bucket(bucket.allowed, bucket.remaining, bucket.retry_after_ms)
