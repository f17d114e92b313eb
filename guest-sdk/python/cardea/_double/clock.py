"""The double of `clock`."""

from cardea._double.world import world


def now_ms() -> int:
    world.mark("clock")
    return world.now_ms


def monotonic_us() -> int:
    world.mark("clock")
    return world.monotonic_us
