"""The double of `random`."""

import builtins

from cardea._double.world import world


def next_u64() -> int:
    return world.draw()


def bytes(length: int) -> builtins.bytes:
    wanted = min(length, 256)
    drawn = b"".join(world.draw().to_bytes(8, "little") for _ in range(-(-wanted // 8)))
    return drawn[:wanted]
