"""The records and variants of `cardea:policy/types`, by the names that componentize-py gives them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto
from typing import Optional, Union


@dataclass
class Field:
    name: str
    value: bytes


class Phases(Flag):
    RESPONSE = auto()
    COMPLETE = auto()


@dataclass
class Weighted:
    backend: str
    weight: int


@dataclass
class Target_Backend:
    value: str


@dataclass
class Target_Weighted:
    value: list[Weighted]


@dataclass
class Target_Subset:
    value: list[tuple[str, str]]


Target = Union[Target_Backend, Target_Weighted, Target_Subset]


@dataclass
class Redirect:
    status: int
    location: str


@dataclass
class Response:
    status: int
    headers: list[Field]
    body: bytes


@dataclass
class Denial:
    status: int
    reason: str
    headers: list[Field]
    retry_after_ms: Optional[int]


@dataclass
class BodyDemand:
    max_bytes: int
    deny_on_overflow: bool


@dataclass
class Decision_Next:
    pass


@dataclass
class Decision_Route:
    value: Target


@dataclass
class Decision_Redirect:
    value: Redirect


@dataclass
class Decision_Respond:
    value: Response


@dataclass
class Decision_Deny:
    value: Denial


@dataclass
class Decision_WantBody:
    value: BodyDemand


Decision = Union[
    Decision_Next, Decision_Route, Decision_Redirect, Decision_Respond, Decision_Deny, Decision_WantBody
]


@dataclass
class Edit_Set:
    value: Field


@dataclass
class Edit_Append:
    value: Field


@dataclass
class Edit_Remove:
    value: str


@dataclass
class Edit_SetPath:
    value: str


@dataclass
class Edit_SetQuery:
    value: Optional[str]


@dataclass
class Edit_SetAuthority:
    value: str


Edit = Union[Edit_Set, Edit_Append, Edit_Remove, Edit_SetPath, Edit_SetQuery, Edit_SetAuthority]


@dataclass
class Summary:
    status: int
    duration_us: int
    upstream_us: int
    bytes_in: int
    bytes_out: int
    backend: Optional[str]
    retries: int
    error: Optional[str]


@dataclass
class Error_Denied:
    pass


@dataclass
class Error_Quota:
    pass


@dataclass
class Error_TooLarge:
    pass


@dataclass
class Error_Invalid:
    pass


@dataclass
class Error_Conflict:
    pass


Error = Union[Error_Denied, Error_Quota, Error_TooLarge, Error_Invalid, Error_Conflict]


class Err(Exception):
    """Of `componentize_py_types`: how an import fails."""

    def __init__(self, value: Error) -> None:
        super().__init__(value)
        self.value = value
