"""Time, coarse, and frozen within one call. Needs the grant `clock`. The `time` module has none in a policy."""

from __future__ import annotations

try:
    from wit_world.imports import clock as _host  # type: ignore[import-not-found]
except ImportError:
    from cardea._double import clock as _host


def now_ms() -> int:
    """Milliseconds since 1970-01-01T00:00:00Z."""
    return _host.now_ms()


def monotonic_us() -> int:
    """Microseconds from an arbitrary start."""
    return _host.monotonic_us()
