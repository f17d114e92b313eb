"""Proves before a measurement that a contender does what it is measured for."""

import contextlib
import http.client
import ssl

from measure.backend import BIG, CHECK, SIZES, SMALL
from measure.load import HEADERS, HOST
from measure.process import Failed


def contender(proxy):
    """The load's answers by HTTP and by TLS; the reference policy's three decisions, or that there is none."""
    for path in (SMALL, BIG):
        for fetch in (plain, secure):
            status, body = fetch(proxy, path)
            _expect(proxy, f"{path} by {fetch.__name__}", (status, len(body)), (200, SIZES[path]))
    decides = proxy.mark is not None
    _expect(proxy, "an ordinary request", plain(proxy, CHECK), (200, f"backend=main x-policy={proxy.mark or ''}"))
    _expect(proxy, "/admin without authorization", plain(proxy, "/admin/users")[0], 401 if decides else 200)
    _expect(proxy, "/admin with authorization", plain(proxy, "/admin/users", {"Authorization": "Basic eDp5"})[0], 200)
    answer = plain(proxy, CHECK, {"X-Canary": "1"})[1].split()[0]
    _expect(proxy, "x-canary: 1", answer, "backend=canary" if decides and proxy.routes else "backend=main")


def plain(proxy, path, extra=None):
    return _fetch(http.client.HTTPConnection("127.0.0.1", proxy.http, timeout=10), path, extra)


def secure(proxy, path, extra=None):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return _fetch(http.client.HTTPSConnection(HOST, proxy.https, timeout=10, context=context), path, extra)


def _fetch(connection, path, extra):
    with contextlib.closing(connection):
        connection.request("GET", path, headers={**HEADERS, "Host": HOST, **(extra or {})})
        response = connection.getresponse()
        return response.status, response.read().decode()


def _expect(proxy, what, seen, wanted):
    if seen != wanted:
        raise Failed(f"{proxy.name}: {what} is answered {seen!r} instead of {wanted!r}; it is not measured")
