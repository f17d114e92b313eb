"""Measures how long it takes from the edit of a file to the first request that is served by it."""

import time

from measure import backend
from measure.load import HOST
from measure.machine import ROOT, say
from measure.probe import Probe
from measure.process import Failed, Fleet
from measure.proxies import cardea

SOURCE = ROOT / "bench" / "reload-policy"
MODULE = cardea.POLICIES / "reload_policy.wasm"
# The place in the built module that is replaced, digits only, so that its length stays.
MARK = b"module-mark-%010d"
# Between two edits, so that each meets a process at rest.
REST_SECONDS = 0.2


def build():
    cardea.build_policy(SOURCE, MODULE)


def measure(repeats):
    """Milliseconds of each edit: of a Policy's config, of its module's bytes, and of an Ingress."""
    with Fleet() as fleet:
        upstream, certificate = backend.start(fleet), backend.certificate(fleet)
        fleet.write("live/base.yaml", cardea.base(certificate))
        services = cardea.service("main", upstream.main) + cardea.service("canary", upstream.canary)
        fleet.write("live/services.yaml", services)
        edits = {"config": _edit_config, "module": _edit_module, "ingress": _edit_ingress}
        for edit in edits.values():
            edit(fleet, 0)
        process = cardea.Cardea(fleet, fleet.folder / "live")
        process.await_generation()
        probe = Probe(process.http)
        found = {}
        for kind, edit in edits.items():
            say(f"edits: {repeats} of {kind}")
            found[kind] = [_one(fleet, probe, edit, number) for number in range(1, repeats + 1)]
        probe.close()
        _no_problems(process)
    return {"title": "from the edit of a file to the first request on it", "repeats": repeats, "ms": found}


def _one(fleet, probe, edit, number):
    time.sleep(REST_SECONDS)
    begin = time.monotonic()
    wanted = edit(fleet, number)
    return round((probe.await_answer(HOST, backend.CHECK, wanted) - begin) * 1000, 2)


def _edit_config(fleet, number):
    config = f"{{ mark: config-{number} }}"
    fleet.write("live/policy.yaml", cardea.policy("marked", "modules/marked.wasm", config=config))
    return f" config-{number}"


def _edit_module(fleet, number):
    """Another module each time, so that nothing of it was compiled before."""
    built, placeholder = MODULE.read_bytes(), MARK % 0
    if built.count(placeholder) != 1:
        raise Failed(f"{MODULE} holds its mark {built.count(placeholder)} times, not once")
    fleet.write("live/modules/marked.wasm", built.replace(placeholder, MARK % number))
    return (MARK % number).decode()


def _edit_ingress(fleet, number):
    service = ("main", "canary")[number % 2]
    fleet.write("live/ingress.yaml", cardea.ingress("bench", policy="marked", service=service))
    return f"backend={service} "


def _no_problems(process):
    problems = [event for _, event in process.events if event.get("problems") or event.get("event") == "problem"]
    if problems:
        raise Failed(f"an edit was refused: {problems[:3]}")
