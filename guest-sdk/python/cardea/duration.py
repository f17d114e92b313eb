"""Lengths of time as the host takes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Union

Ttl = Union[int, timedelta]
"""Milliseconds, or a timedelta; 0: for ever."""


def milliseconds(ttl: Ttl) -> int:
    """At least 1 for what is more than nothing, since 0 means for ever."""
    if isinstance(ttl, timedelta):
        ttl = max(ttl // timedelta(milliseconds=1), int(ttl > timedelta(0)))
    return min(max(ttl, 0), 0xFFFF_FFFF)
