"""Reads `spec.config` into the type that a policy names: dataclasses, and the types that their fields have."""

from __future__ import annotations

import dataclasses
import enum
import ipaddress
import json
import re
import sys
import types as _builtin
import typing
from datetime import timedelta
from typing import Any, Literal, Union, get_args, get_origin

Duration = timedelta
"""A length of time, in a config `250ms`, `30s`, `5m`, `1h` or `7d`."""

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d{1,12})(ms|s|m|h|d)", re.ASCII)
_PLAIN: dict[Any, str] = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}
_NETWORKS = {ipaddress.IPv4Network, ipaddress.IPv6Network}


class ConfigError(ValueError):
    """What the operator reads: the field and what is wrong with it."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


def parse(text: str, kind: Any) -> Any:
    value = json.loads(text)
    # An absent config is one without fields, so that the first mandatory one is named.
    return read(kind, {} if value is None and dataclasses.is_dataclass(kind) else value, "config")


def read(kind: Any, value: Any, path: str) -> Any:
    """The value as this type, or a `ConfigError` for the path."""
    if kind is None or kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, path)
    if kind in _PLAIN:
        return _plain(kind, value, path)
    if kind is timedelta:
        return _duration(value, path)
    if kind in _NETWORKS:
        return _network(value, path, {kind})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _choice({member.value: member for member in kind}, value, path)
    return _generic(kind, value, path)


def _generic(kind: Any, value: Any, path: str) -> Any:
    origin, of = get_origin(kind), get_args(kind)
    if origin in (Union, _builtin.UnionType):
        return _union(of, value, path)
    if origin is Literal:
        return _choice({each: each for each in of}, value, path)
    if origin in (list, tuple, set, frozenset):
        _expect(isinstance(value, list), value, path, "a list")
        return origin(read(of[0], each, f"{path}[{at}]") for at, each in enumerate(value))
    if origin is dict:
        _expect(isinstance(value, dict), value, path, "an object")
        return {key: read(of[1], each, f"{path}.{key}") for key, each in value.items()}
    raise TypeError(f"{path}: no value of a config can be read as {kind}")


def _record(kind: Any, value: Any, path: str) -> Any:
    _expect(isinstance(value, dict), value, path, "an object")
    hints = typing.get_type_hints(kind, vars(sys.modules[kind.__module__]))
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    given = {}
    for key, each in value.items():
        name = key.replace("-", "_")
        if name not in fields:
            raise ConfigError(f"{path}.{key}", f"no such field; there are {', '.join(fields)}")
        given[name] = read(hints[name], each, f"{path}.{key}")
    for name, field in fields.items():
        has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if name not in given and not has_default:
            raise ConfigError(f"{path}.{name}", "missing")
    return kind(**given)


def _plain(kind: Any, value: Any, path: str) -> Any:
    # A bool is an int to Python, and a whole number may stand for a float.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    good = {str: isinstance(value, str), bool: isinstance(value, bool), float: is_number}
    _expect(good.get(kind, is_number and isinstance(value, int)), value, path, _PLAIN[kind])
    return kind(value)


def _union(kinds: tuple[Any, ...], value: Any, path: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    rest = [kind for kind in kinds if kind is not type(None)]
    if set(rest) == _NETWORKS:
        return _network(value, path, _NETWORKS)
    if len(rest) == 1:
        return read(rest[0], value, path)
    for kind in rest:
        try:
            return read(kind, value, path)
        except ConfigError:
            continue
    raise ConfigError(path, f"expected {' or '.join(_PLAIN.get(kind, str(kind)) for kind in rest)}, got {_told(value)}")


def _choice(members: dict[Any, Any], value: Any, path: str) -> Any:
    good = isinstance(value, (str, int, float, bool)) and value in members
    _expect(good, value, path, f"one of {', '.join(str(member) for member in members)}")
    return members[value]


def _duration(value: Any, path: str) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    _expect(match is not None, value, path, "a length of time such as 250ms, 30s, 5m, 1h or 7d")
    assert match
    return timedelta(milliseconds=int(match[1]) * _UNITS[match[2]])


def _network(value: Any, path: str, kinds: set[Any]) -> Any:
    _expect(isinstance(value, str), value, path, "an address range such as 10.0.0.0/8")
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise ConfigError(path, str(error)) from None
    _expect(type(network) in kinds, value, path, " or ".join(sorted(kind.__name__ for kind in kinds)))
    return network


def _expect(good: bool, value: Any, path: str, wanted: str) -> None:
    if not good:
        raise ConfigError(path, f"expected {wanted}, got {_told(value)}")


def _told(value: Any) -> str:
    if value is None or isinstance(value, (str, int, float, bool)):
        return json.dumps(value, ensure_ascii=False)
    return "a list" if isinstance(value, list) else "an object"
