"""The double of `kv-local`."""

from __future__ import annotations

from cardea._double.types import Err, Error_Conflict, Error_Invalid, Error_TooLarge
from cardea._double.world import Kept, world

_KEY_BYTES_MAX = 256
_VALUE_BYTES_MAX = 64 << 10


def get(key: str) -> tuple[bytes, int] | None:
    world.mark("kv-local")
    found = world.live(world.kept, key)
    return (found.value, found.version) if found else None


def set(key: str, value: bytes, ttl_ms: int) -> int:
    world.mark("kv-local")
    if not key or len(key.encode()) > _KEY_BYTES_MAX:
        raise Err(Error_Invalid())
    if len(value) > _VALUE_BYTES_MAX:
        raise Err(Error_TooLarge())
    found = world.live(world.kept, key)
    version = found.version + 1 if found else 1
    world.kept[key] = Kept(value, world.expiry(ttl_ms), version)
    return version


def compare_and_set(key: str, version: int, value: bytes, ttl_ms: int) -> int:
    world.mark("kv-local")
    found = world.live(world.kept, key)
    if (found.version if found else 0) != version:
        raise Err(Error_Conflict())
    return set(key, value, ttl_ms)


def delete(key: str) -> None:
    world.mark("kv-local")
    world.kept.pop(key, None)
