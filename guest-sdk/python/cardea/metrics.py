"""Series of a policy, exported as `cardea_policy_user_*`: at most 100. Needs the grant `metrics`.

Make them in `__init__` and keep them: making one by name is dearer than using it.
"""

from __future__ import annotations

try:
    from wit_world.imports import metrics as _host  # type: ignore[import-not-found]
except ImportError:
    from cardea._double import metrics as _host


class Counter:
    __slots__ = ("id",)

    def __init__(self, name: str) -> None:
        self.id: int = _host.counter(name)

    def add(self, delta: int = 1) -> None:
        _host.add(self.id, delta)


class Gauge:
    __slots__ = ("id",)

    def __init__(self, name: str) -> None:
        self.id: int = _host.gauge(name)

    def set(self, value: int) -> None:
        _host.set(self.id, value)

    def add(self, delta: int) -> None:
        _host.add(self.id, delta)


class Histogram:
    __slots__ = ("id",)

    def __init__(self, name: str) -> None:
        self.id: int = _host.histogram(name)

    def observe(self, value: int) -> None:
        _host.observe(self.id, value)
