"""What the doubles answer from: the exchange in hand, the clocks, the draws, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
_MASK = (1 << 64) - 1


@dataclass
class Kept(Generic[T]):
    value: T
    expires_us: int | None
    version: int = 1


@dataclass
class World:
    exchange: Any = None
    now_ms: int = START_MS
    monotonic_us: int = 0
    draws: list[int] = field(default_factory=list)
    sequence: int = 0
    reads: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    series: dict[str, int] = field(default_factory=dict)
    kept: dict[str, Kept[bytes]] = field(default_factory=dict)
    counted: dict[str, Kept[int]] = field(default_factory=dict)
    buckets: dict[str, int] = field(default_factory=dict)

    def mark(self, question: str) -> None:
        if question not in self.reads:
            self.reads.append(question)

    def live(self, kept: dict[str, Kept[T]], key: str) -> Kept[T] | None:
        found = kept.get(key)
        if found and (found.expires_us is None or self.monotonic_us < found.expires_us):
            return found
        return None

    def expiry(self, ttl_ms: int) -> int | None:
        return None if ttl_ms == 0 else self.monotonic_us + ttl_ms * 1000

    def draw(self) -> int:
        """A scripted number, else the next of a fixed sequence (SplitMix64)."""
        self.mark("random")
        if self.draws:
            return self.draws.pop(0)
        self.sequence = (self.sequence + 0x9E37_79B9_7F4A_7C15) & _MASK
        z = self.sequence
        z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
        return z ^ (z >> 31)


world = World()


def reset() -> None:
    """A new world: nothing kept, the clock at the start."""
    world.__init__()  # type: ignore[misc]


def enter(exchange: Any) -> None:
    """Puts an exchange in hand, and forgets what the last one was asked."""
    world.exchange = exchange
    world.reads = []


def ask(question: str, answer: Callable[[Any], T]) -> T:
    if world.exchange is None:
        raise RuntimeError("there is no exchange to ask about before the first request")
    world.mark(question)
    return answer(world.exchange)
