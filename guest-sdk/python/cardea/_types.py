"""The records and variants of `cardea:policy/types`: those of the component's bindings, or the doubles' own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cardea._double import types
else:
    try:
        from wit_world.imports import types
    except ImportError:
        from cardea._double import types

__all__ = ["types"]
