"""Log lines of a policy: at most 16 of 4 KiB a call. Needs the grant `log`; with it, what a phase raises is logged too, and
so is what it prints."""

from __future__ import annotations

from typing import Literal

try:
    from wit_world.imports import log as _host  # type: ignore[import-not-found]
except ImportError:
    from cardea._double import log as _host

LevelName = Literal["trace", "debug", "info", "warn", "error"]
_LEVELS = {level.name.lower(): level for level in _host.Level}


def enabled(level: LevelName) -> bool:
    """Whether a line of this level would be kept."""
    return _host.enabled(_LEVELS[level])


def write(level: LevelName, message: str, *args: object) -> None:
    """Logs, if the level is kept; `message % args`, which is not formatted otherwise."""
    known = _LEVELS[level]
    if _host.enabled(known):
        _host.log(known, message % args if args else message)


def trace(message: str, *args: object) -> None:
    write("trace", message, *args)


def debug(message: str, *args: object) -> None:
    write("debug", message, *args)


def info(message: str, *args: object) -> None:
    write("info", message, *args)


def warn(message: str, *args: object) -> None:
    write("warn", message, *args)


def error(message: str, *args: object) -> None:
    write("error", message, *args)
