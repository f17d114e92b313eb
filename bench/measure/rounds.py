"""Measures one kind of traffic: all contenders side by side, in rounds that take turns.

A round gives every contender the same load for the same time, one after the other, so that a machine that gets slower
does so for all. The first, short round warms up and is thrown away.
"""

import dataclasses
from typing import Callable

from measure import backend, check, load
from measure.machine import say
from measure.process import Failed, Fleet, cpu_seconds, memory_kib
from measure.proxies import cardea, envoy, haproxy, nginx

MODULES = {"cardea": cardea, "nginx": nginx, "haproxy": haproxy, "envoy": envoy}


@dataclasses.dataclass
class Traffic:
    title: str
    # (contender, seconds, connections, scratch folder) -> what the generator saw
    send: Callable
    # (fleet, backend, certificate, only) -> other contenders than usual
    start: Callable | None = None


def _small(proxy, seconds, connections, _):
    return load.wrk("http", proxy.http, backend.SMALL, seconds, connections)


def _big(proxy, seconds, connections, _):
    return load.wrk("http", proxy.http, backend.BIG, seconds, connections)


def _tls(proxy, seconds, connections, _):
    return load.wrk("https", proxy.https, backend.SMALL, seconds, connections)


def _new_connection(proxy, seconds, connections, _):
    return load.wrk("http", proxy.http, backend.SMALL, seconds, connections, ["Connection: close"])


def _h2(proxy, seconds, _, folder):
    return load.h2load(proxy.h2c, backend.SMALL, seconds, 8, 8, folder)


def _abis(fleet, upstream, certificate, only):
    """Cardea with the same decisions by each ABI, beside Envoy with the very module that is its proxy-wasm one."""
    modules = {"cardea": lambda: cardea.start_abis(fleet, upstream, certificate, envoy.MODULE),
               "envoy": lambda: envoy.start(fleet, upstream, certificate),
               "nginx": lambda: nginx.start(fleet, upstream, certificate)[:1]}
    return [contender for name, start in modules.items() if not only or name in only for contender in start()]


# Of the scenario `abi`: who runs a module, and the same without it.
MODULE_COSTS = (
    ("cardea:policy in Cardea", "Cardea, cardea:policy", "Cardea"),
    ("proxy-wasm in Cardea", "Cardea, proxy-wasm", "Cardea"),
    ("http-wasm in Cardea", "Cardea, http-wasm", "Cardea"),
    ("wasi:http in Cardea", "Cardea, wasi:http", "Cardea"),
    ("the same proxy-wasm module in Envoy", "Envoy + Wasm", "Envoy"),
)

TRAFFIC = {
    "small": Traffic("128-byte answers, keep-alive", _small),
    "body64k": Traffic("64 KiB answers, keep-alive", _big),
    "h2": Traffic("HTTP/2 (h2c), 8 connections of 8 streams, 128-byte answers", _h2),
    "tls": Traffic("TLS, keep-alive, 128-byte answers", _tls),
    "newconn": Traffic("a connection for each request, 128-byte answers", _new_connection),
    "abi": Traffic("the same policy by ABI, 128-byte answers, keep-alive", _small, _abis),
}


def start_contenders(fleet, only, start=None):
    """Starts the backend and those of `only` (all, if empty), and checks each of them."""
    upstream, certificate = backend.start(fleet), backend.certificate(fleet)
    contenders = (start or _usual)(fleet, upstream, certificate, only)
    for contender in contenders:
        check.contender(contender)
    return contenders


def _usual(fleet, upstream, certificate, only):
    modules = [module for name, module in MODULES.items() if not only or name in only]
    return [contender for module in modules for contender in module.start(fleet, upstream, certificate)]


def measure(name, options):
    """All rounds of one kind of traffic: the samples of each contender, a round at a position."""
    traffic = TRAFFIC[name]
    with Fleet() as fleet:
        contenders = start_contenders(fleet, options.only, traffic.start)
        samples = {contender.name: [] for contender in contenders}
        for number in range(options.rounds + 1):
            seconds = options.seconds if number else 1
            say(f"{name}: round {number} of {options.rounds}, {len(contenders) * seconds} s" + ("" if number else ", warm-up"))
            for contender in contenders:
                sample = _sample(contender, traffic, seconds, options.connections, fleet.folder)
                if number:
                    samples[contender.name].append(sample)
    return {
        "title": traffic.title,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "connections": 8 if name == "h2" else options.connections,
        "contenders": samples,
    }


def _sample(contender, traffic, seconds, connections, folder):
    before = cpu_seconds(contender.pid)
    seen = traffic.send(contender, seconds, connections, folder)
    cpu = cpu_seconds(contender.pid) - before
    # A contender that fails cheaply would look fast.
    if seen["bad"] > seen["requests"] // 1000:
        raise Failed(f"{contender.name}: {seen['bad']} of {seen['requests']} requests went wrong")
    memory = memory_kib(contender.pid)
    return {
        "cpu_us": round(cpu / seen["requests"] * 1e6, 2),
        "requests_per_second": round(seen["requests"] / seen["seconds"]),
        "p50_us": seen["p50_us"],
        "p99_us": seen["p99_us"],
        "p999_us": seen["p999_us"],
        "bad": seen["bad"],
        "rss_kib": memory["rss"],
        "pss_kib": memory["pss"],
    }
