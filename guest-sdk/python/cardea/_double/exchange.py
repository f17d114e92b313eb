"""The double of `exchange`."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from cardea._double.types import Field
from cardea._double.world import ask, world


def _named(headers: list[Field], name: str) -> list[bytes]:
    return [field.value for field in headers if field.name == name.lower()]


def _first(values: list[bytes]) -> bytes | None:
    return values[0] if values else None


def _decoded(text: str) -> str | None:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        return None


def method() -> str:
    return ask("method", lambda exchange: exchange.method)


def scheme() -> str:
    return ask("scheme", lambda exchange: exchange.scheme)


def authority() -> str:
    return ask("authority", lambda exchange: exchange.authority)


def path() -> str:
    return ask("path", lambda exchange: exchange.path)


def raw_path() -> str:
    return ask("raw-path", lambda exchange: exchange.path)


def query() -> str | None:
    return ask("query", lambda exchange: exchange.query)


def query_param(name: str) -> str | None:
    def answer(exchange):
        for pair in (exchange.query or "").split("&"):
            key, _, value = pair.partition("=")
            if _decoded(key) == name:
                return _decoded(value)
        return None

    return ask(f"query-param:{name}", answer)


def client() -> str:
    return ask("client", lambda exchange: exchange.client)


def header(name: str) -> bytes | None:
    return ask(f"header:{name.lower()}", lambda exchange: _first(_named(exchange.headers, name)))


def header_values(name: str) -> list[bytes]:
    return ask(f"header:{name.lower()}", lambda exchange: _named(exchange.headers, name))


def header_names() -> list[str]:
    return ask("header-names", lambda exchange: list(dict.fromkeys(field.name for field in exchange.headers)))


def headers() -> list[Field]:
    return ask("headers", lambda exchange: list(exchange.headers))


def cookie(name: str) -> bytes | None:
    def answer(exchange):
        for line in _named(exchange.headers, "cookie"):
            for pair in line.split(b";"):
                key, equals, value = pair.partition(b"=")
                if equals and key.strip() == name.encode():
                    return value.strip()
        return None

    return ask(f"cookie:{name}", answer)


def attribute(name: str) -> str | None:
    return ask(f"attribute:{name}", lambda exchange: exchange.attributes.get(name))


def response_status() -> int:
    return ask("response-status", lambda exchange: exchange.status)


def response_header(name: str) -> bytes | None:
    return ask(f"response-header:{name.lower()}", lambda exchange: _first(_named(exchange.response_headers, name)))


def response_headers() -> list[Field]:
    return ask("response-headers", lambda exchange: list(exchange.response_headers))


def set_note(key: str, value: bytes) -> None:
    world.exchange.notes[key] = value


def note(key: str) -> bytes | None:
    return ask(f"note:{key}", lambda exchange: exchange.notes.get(key))
