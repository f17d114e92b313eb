"""What a policy may ask about the exchange in hand. Each question is one host call, and is recorded by the host."""

from __future__ import annotations

from typing import NamedTuple

from cardea import path as _path
from cardea.outcome import Bytes, to_bytes

try:
    from wit_world.imports import exchange as _host  # type: ignore[import-not-found]
except ImportError:
    from cardea._double import exchange as _host


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


class Header(NamedTuple):
    """A header with its name in lower case."""

    name: str
    value: bytes

    @property
    def text(self) -> str:
        """With U+FFFD for what is no UTF-8."""
        return self.value.decode("utf-8", "replace")


class Request:
    """The request in hand. Holds nothing: every property asks the host, so keep an answer that is needed twice."""

    __slots__ = ()

    @property
    def method(self) -> str:
        """`GET`, `POST`, ...; case matters."""
        return _host.method()

    @property
    def scheme(self) -> str:
        """`http` or `https`, as the client spoke to the ingress."""
        return _host.scheme()

    @property
    def authority(self) -> str:
        """Host, and port if the client gave one; lower case."""
        return _host.authority()

    @property
    def path(self) -> str:
        """Normalised, without the query: what the router matched and the backend gets."""
        return _host.path()

    @property
    def raw_path(self) -> str:
        """As received, before normalising."""
        return _host.raw_path()

    @property
    def query(self) -> str | None:
        """Without the question mark. `None` where there is none."""
        return _host.query()

    @property
    def client(self) -> str:
        """The client's address, after trusted proxies."""
        return _host.client()

    def path_under(self, prefix: str) -> bool:
        """Whether the path is `prefix` or lies below it, by whole elements: `/admin` covers `/admin/x`, not `/administer`."""
        return _path.under(_host.path(), prefix)

    def query_param(self, name: str) -> str | None:
        """The first value of a query parameter, percent-decoded."""
        return _host.query_param(name)

    def header(self, name: str) -> str | None:
        """The first value of a header, with U+FFFD for what is no UTF-8. Absent is not empty."""
        return _decoded(_host.header(name))

    def header_bytes(self, name: str) -> bytes | None:
        """The first value of a header, as it came."""
        return _host.header(name)

    def header_values(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value.decode("utf-8", "replace") for value in _host.header_values(name)]

    def header_values_bytes(self, name: str) -> list[bytes]:
        return list(_host.header_values(name))

    def header_names(self) -> list[str]:
        """Lower case, each once."""
        return _host.header_names()

    def headers(self) -> list[Header]:
        """All headers. Reads everything, so the decision depends on everything: prefer `header`."""
        return [Header(field.name, field.value) for field in _host.headers()]

    def cookie(self, name: str) -> str | None:
        """The first value of a cookie."""
        return _decoded(_host.cookie(name))

    def cookie_bytes(self, name: str) -> bytes | None:
        return _host.cookie(name)

    def attribute(self, name: str) -> str | None:
        """An open set: `route.name`, `route.namespace`, `tls.sni`, `tls.version`, `http.version`, `source.address`,
        `source.port`, `request.id`, `backend.name`."""
        return _host.attribute(name)

    def note(self, key: str) -> bytes | None:
        """A note that an earlier policy or phase of this exchange left."""
        return _host.note(key)

    def note_text(self, key: str) -> str | None:
        return _decoded(_host.note(key))

    def set_note(self, key: str, value: Bytes) -> None:
        """Leaves a note to later policies and phases of this exchange: at most 16 of 4 KiB, more are dropped."""
        _host.set_note(key, to_bytes(value))


class Response:
    """The head of the backend's answer, in the response phase."""

    __slots__ = ()

    @property
    def status(self) -> int:
        return _host.response_status()

    def header(self, name: str) -> str | None:
        """The first value of a header, with U+FFFD for what is no UTF-8."""
        return _decoded(_host.response_header(name))

    def header_bytes(self, name: str) -> bytes | None:
        return _host.response_header(name)

    def headers(self) -> list[Header]:
        return [Header(field.name, field.value) for field in _host.response_headers()]
