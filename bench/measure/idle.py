"""Measures what a keep-alive connection that rests costs a proxy in user space."""

import resource
import socket
import time

from measure import backend, load
from measure.machine import say
from measure.process import Failed, Fleet, memory_kib
from measure.rounds import start_contenders

REST_SECONDS = 3
WARM_UP = 64


def measure(connections, only):
    """KiB of Pss for each of many connections that had one request each and rest; one contender after the other."""
    _allow_descriptors(connections + 256)
    found = {}
    with Fleet() as fleet:
        for contender in start_contenders(fleet, only):
            say(f"idle: {connections} connections to {contender.name}")
            found[contender.name] = _contender(contender, connections)
    return {"title": "connections at rest", "connections": connections, "contenders": found}


def _contender(contender, connections):
    # What serves the first requests (pools, policy instances, the upstream's connections) is there before and after.
    warm = [_connection(contender) for _ in range(WARM_UP)]
    time.sleep(REST_SECONDS)
    before = memory_kib(contender.pid)["pss"]
    resting = [_connection(contender) for _ in range(connections)]
    time.sleep(REST_SECONDS)
    after = memory_kib(contender.pid)["pss"]
    _still_open(contender, resting)
    for connection in warm + resting:
        connection.close()
    return {"kib_per_connection": round((after - before) / connections, 2), "before_kib": before, "after_kib": after}


def _connection(contender):
    connection = socket.create_connection(("127.0.0.1", contender.http), 10)
    _request(contender, connection)
    return connection


def _request(contender, connection):
    lines = [f"{name}: {value}" for name, value in {"Host": load.HOST, **load.HEADERS}.items()]
    connection.sendall("\r\n".join([f"GET {backend.SMALL} HTTP/1.1", *lines, "", ""]).encode())
    answer = b""
    while not answer.endswith(b"x" * backend.SIZES[backend.SMALL]):
        some = connection.recv(65536)
        if not some:
            raise Failed(f"{contender.name} closed a keep-alive connection")
        answer += some
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise Failed(f"{contender.name} answered {answer[:60]!r}")


def _still_open(contender, connections):
    """A proxy that had closed them would look thrifty."""
    for connection in connections[:: max(1, len(connections) // 20)]:
        _request(contender, connection)


def _allow_descriptors(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Failed(f"{wanted} open files are needed, the limit is {hard}: raise it with ulimit -Hn, or set --idle-connections")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
