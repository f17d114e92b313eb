"""Measures what 100,000 routes on disk cost: the start of the process with them, its memory, and one edit among them."""

import statistics
import time

from measure import backend
from measure.machine import say
from measure.probe import Probe
from measure.process import Failed, Fleet, memory_kib, peak_rss_kib
from measure.proxies import cardea

FILES = 1_000
# Ingresses, paths of each.
SHAPES = ((1_000, 100), (100_000, 1))
STARTS = 3
EDITS = 5


def measure():
    return {"title": "100,000 routes on disk", "shapes": [_shape(*shape) for shape in SHAPES]}


def _shape(ingresses, paths):
    with Fleet() as fleet:
        upstream, certificate = backend.start(fleet), backend.certificate(fleet)
        fleet.write("live/base.yaml", cardea.base(certificate))
        services = cardea.service("main", upstream.main) + cardea.service("canary", upstream.canary)
        fleet.write("live/services.yaml", services)
        say(f"routes: writes {ingresses:,} Ingresses of {paths} paths each into {FILES:,} files")
        size = sum(_write(fleet, number, ingresses, paths, "main") for number in range(FILES))
        say(f"routes: starts {STARTS} times with {size / 2**20:.0f} MiB of manifests")
        starts = [_start(fleet, ingresses, paths, keep=number == STARTS - 1) for number in range(STARTS)]
        process = starts[-1].pop("process")
        edits = _edits(fleet, process, ingresses, paths)
    ready = [start["ready_seconds"] for start in starts]
    return {"ingresses": ingresses, "paths": paths, "files": FILES, "bytes": size, **starts[-1],
            "ready_seconds": ready, "edit_ms": edits}


def _start(fleet, ingresses, paths, keep):
    process = cardea.Cardea(fleet, fleet.folder / "live")
    when, event = process.await_generation(seconds=120)
    if event["routes"] != ingresses * paths:
        raise Failed(f"{event['routes']} routes are live instead of {ingresses * paths}")
    probe = Probe(process.http)
    for number in (0, ingresses - 1):
        _expect_main(probe.ask(_host(number), _path(paths - 1)))
    probe.close()
    memory = memory_kib(process.pid)
    found = {"ready_seconds": round(when - process.started, 3), "rss_kib": memory["rss"], "pss_kib": memory["pss"]}
    found["peak_rss_kib"] = peak_rss_kib(process.pid)
    if keep:
        found["process"] = process
    else:
        process.process.terminate()
        process.process.wait(30)
    return found


def _edits(fleet, process, ingresses, paths):
    """Milliseconds from the edit of one file to the first request that goes elsewhere."""
    probe, taken = Probe(process.http), []
    for number in range(1, EDITS + 1):
        time.sleep(0.5)
        service = ("main", "canary")[number % 2]
        begin = time.monotonic()
        _write(fleet, 0, ingresses, paths, service)
        taken.append(round((probe.await_answer(_host(0), _path(0), f"backend={service} ") - begin) * 1000, 2))
    probe.close()
    say(f"routes: an edit took {statistics.median(taken):.0f} ms")
    return taken


def _write(fleet, number, ingresses, paths, service):
    """One file, with its share of the Ingresses."""
    share = ingresses // FILES
    documents = [_ingress(at, paths, service) for at in range(number * share, (number + 1) * share)]
    text = "---\n".join(documents)
    fleet.write(f"live/shops/{number:04}.yaml", text)
    return len(text)


def _ingress(number, paths, service):
    lines = [
        "apiVersion: networking.k8s.io/v1", "kind: Ingress",
        f"metadata:\n  name: shop-{number}\n  namespace: bench", "spec:\n  ingressClassName: cardea\n  rules:",
        f"  - host: {_host(number)}\n    http:\n      paths:",
    ]
    for path in range(paths):
        lines += [
            f"      - path: {_path(path)}\n        pathType: Exact",
            f"        backend:\n          service:\n            name: {service}\n            port:\n              number: 80",
        ]
    return "\n".join(lines) + "\n"


def _host(number):
    return f"shop-{number}.test"


def _path(number):
    """The first one is where the backend tells who it is; the last one too, so that a start can be checked by it."""
    return backend.CHECK if number == 0 else f"{backend.CHECK}/{number}"


def _expect_main(body):
    if not body.startswith("backend=main "):
        raise Failed(f"a route leads elsewhere: {body[:100]!r}")
