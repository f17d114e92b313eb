"""Values of this ingress process, shared by all workers, by policy; they survive a swap of the module. Needs the grant
`kv-local`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cardea.duration import Ttl, milliseconds
from cardea.outcome import Bytes, to_bytes

try:
    from componentize_py_types import Err as _Err  # type: ignore[import-not-found]
    from wit_world.imports import kv_local as _host  # type: ignore[import-not-found]
except ImportError:
    from cardea._double import kv_local as _host
    from cardea._double.types import Err as _Err

_CODES = {"Denied": "denied", "Quota": "quota", "TooLarge": "too-large", "Invalid": "invalid", "Conflict": "conflict"}


class KvError(Exception):
    """A value that was not kept: `code` is `denied`, `quota`, `too-large`, `invalid` or `conflict`."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the value was not kept: {code}")
        self.code = code


class Entry(NamedTuple):
    value: bytes
    version: int
    """Rises with each write."""

    @property
    def text(self) -> str:
        return self.value.decode("utf-8", "replace")


def get(key: str) -> Entry | None:
    found = _host.get(key)
    return None if found is None else Entry(*found)


def set(key: str, value: Bytes, ttl: Ttl = 0) -> int:
    """Returns the new version. Raises `KvError`."""
    return _kept(lambda: _host.set(key, to_bytes(value), milliseconds(ttl)))


def compare_and_set(key: str, version: int, value: Bytes, ttl: Ttl = 0) -> int:
    """Writes if the version is still this one; version 0: only if absent. Raises `KvError`, `conflict` for one."""
    return _kept(lambda: _host.compare_and_set(key, version, to_bytes(value), milliseconds(ttl)))


def delete(key: str) -> None:
    _host.delete(key)


def _kept(write: Callable[[], int]) -> int:
    try:
        return write()
    except _Err as error:
        raise KvError(_CODES[type(error.value).__name__.removeprefix("Error_")]) from None
