"""Every question about the exchange."""

from __future__ import annotations

from text import maybe, parameter, text

from cardea import Outcome, Request, Response


def outcome(path: str, request: Request) -> Outcome | None:
    match path:
        case "/ask/method":
            return text(request.method)
        case "/ask/scheme":
            return text(request.scheme)
        case "/ask/authority":
            return text(request.authority)
        case "/ask/path":
            return text(path)
        case "/ask/raw-path":
            return text(request.raw_path)
        case "/ask/client":
            return text(request.client)
        case "/ask/query":
            return maybe(request.query)
        case "/ask/query-param":
            return maybe(request.query_param(parameter(request, "name")))
        case "/ask/header":
            return maybe(request.header_bytes(parameter(request, "name")))
        case "/ask/header-values":
            return text(b"".join(b"[%b]" % value for value in request.header_values_bytes(parameter(request, "name"))))
        case "/ask/header-names":
            return text(",".join(request.header_names()))
        case "/ask/headers":
            return text(b"".join(b"%b=%b\n" % (name.encode(), value) for name, value in request.headers()))
        case "/ask/cookie":
            return maybe(request.cookie_bytes(parameter(request, "name")))
        case "/ask/attribute":
            return maybe(request.attribute(parameter(request, "name")))
        case "/ask/response":
            return text(seen(Response()))
    return None


def seen(response: Response) -> str:
    """The head of the response, as far as there is one."""
    kind = response.header("content-type")
    return f"{response.status} {'absent' if kind is None else kind} {len(response.headers())}"
