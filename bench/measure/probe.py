"""A keep-alive connection that asks again and again, to see the moment when a change is live."""

import contextlib
import http.client
import time

from measure.process import Failed

# Between two requests, so that the asking leaves the processor to the change.
PAUSE_SECONDS = 0.001


class Probe:
    """Any answer but 200, and any break of the connection, is a failure: a reload must not be felt."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.connection.auto_open = False
        self.connection.connect()

    def ask(self, host, path):
        self.connection.request("GET", path, headers={"Host": host})
        response = self.connection.getresponse()
        body = response.read().decode()
        if response.status != 200 or response.will_close:
            raise Failed(f"{host}{path} is answered {response.status}: {body[:200]}")
        return body

    def await_answer(self, host, path, wanted, seconds=30):
        """Asks until `wanted` is in the answer; the time at which that request had been sent and answered."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            body = self.ask(host, path)
            if wanted in body:
                return time.monotonic()
            time.sleep(PAUSE_SECONDS)
        raise Failed(f"{host}{path} does not become {wanted!r}; it is {body!r}")

    def close(self):
        with contextlib.suppress(OSError):
            self.connection.close()
