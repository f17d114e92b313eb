"""Chance. Needs the grant `random`. Python's own `random` draws the same numbers in every instance."""

from __future__ import annotations

import builtins

try:
    from wit_world.imports import random as _host  # type: ignore[import-not-found]
except ImportError:
    from cardea._double import random as _host


def next_u64() -> int:
    """A whole number below 2^64."""
    return _host.next_u64()


def fraction() -> float:
    """At least 0, below 1."""
    return (_host.next_u64() >> 11) / (1 << 53)


def bytes(length: int) -> builtins.bytes:
    """At most 256."""
    return _host.bytes(length)

