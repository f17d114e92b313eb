"""The double of `counters`."""

from __future__ import annotations

from dataclasses import dataclass

from cardea._double.world import Kept, world


@dataclass
class Bucket:
    allowed: bool
    remaining: int
    retry_after_ms: int


def add(key: str, delta: int, ttl_ms: int) -> int:
    world.mark("counters")
    found = world.live(world.counted, key) or Kept(0, world.expiry(ttl_ms))
    found.value += delta
    world.counted[key] = found
    return found.value


def get(key: str) -> int:
    world.mark("counters")
    found = world.live(world.counted, key)
    return found.value if found else 0


def take(key: str, cost: int, limit: int, window_ms: int) -> Bucket:
    """The generic cell rate algorithm (ITU-T I.371), in microseconds."""
    world.mark("counters")
    if limit == 0 or window_ms == 0:
        return Bucket(False, 0, window_ms)
    now, window = world.monotonic_us, window_ms * 1000
    one = max(window // limit, 1)
    arrival = max(world.buckets.get(key, now), now)
    after = arrival + one * cost
    if after - now > window:
        return Bucket(False, (window - (arrival - now)) // one, -(-(after - now - window) // 1000))
    world.buckets[key] = after
    return Bucket(True, (window - (after - now)) // one, 0)
