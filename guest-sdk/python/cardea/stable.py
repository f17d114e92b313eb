"""A choice that every replica makes alike, and again after a restart: a hash of who asks."""

from __future__ import annotations

from cardea.outcome import Bytes, to_bytes

_MASK = (1 << 64) - 1


class Spread:
    """Where keys fall between 0 and 1.

    The hash is FNV-1a of 64 bits with the mixer of SplitMix64 at its end, over the seed and from there over the key. It is
    the same in every language of the SDK and never changes. It is no secret.
    """

    __slots__ = ("_seed",)

    def __init__(self, seed: Bytes) -> None:
        self._seed = hash64(0, to_bytes(seed))

    def position(self, key: Bytes) -> float:
        """At least 0, below 1; the same for ever for one seed and key."""
        return (hash64(self._seed, to_bytes(key)) >> 11) / (1 << 53)


def hash64(seed: int, data: bytes) -> int:
    z = seed ^ 0xCBF2_9CE4_8422_2325
    for byte in data:
        z = ((z ^ byte) * 0x0100_0000_01B3) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return z ^ (z >> 31)
