"""Runs the host's own cost examples (one policy call, one import, one route lookup) and reads what they print."""

import re
import subprocess
import sys

from measure.machine import ROOT, say
from measure.process import Failed
from measure.proxies.cardea import REFERENCE


def measure():
    """Nanoseconds by name; an example that prints nothing that is known here is an error, not an empty table."""
    say("micro: builds and runs the cost examples of the policy engine and of the router")
    own = _policies(_run("cardea-policy", "call_cost", str(REFERENCE)))
    canary = _policies(_run("cardea-policy", "call_cost", str(REFERENCE), "x-canary: 1"))
    bare = _run("cardea-policy", "call_cost")
    router = _run("cardea-model", "cost")
    calls = {"reference, sets a header": _only(own), "reference, goes to the canary": _only(canary), **_policies(bare)}
    return {
        "title": "single steps",
        "calls_ns": calls,
        "imports_ns": _all(r"^(?:import )?([a-z-]+\.[a-z0-9-]+.*?|edit .*?) ?: ([\d.]+) ns", bare, "imports"),
        "lookups_ns": _lookups(router),
        "preparation_ns": _all(r"^ns to (.+): ([\d.]+)$", router, "preparation of a lookup"),
        "compile_ms": _all(r"^(compile .+?|resolve .+?): (\d+) ms", router, "compile times"),
    }


def _run(package, example, *arguments):
    command = ["cargo", "run", "--release", "-p", package, "--example", example, "--", *arguments]
    said = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if said.returncode != 0:
        raise Failed(f"failed: {' '.join(command)}")
    print(said.stdout, file=sys.stderr)
    return said.stdout


def _policies(text):
    """`NAME: loaded in ...`, then a line for each isolation."""
    found, name = {}, None
    for line in text.splitlines():
        if loaded := re.match(r"(.+): loaded in ", line):
            name = loaded.group(1)
        elif name and (cost := re.match(r"\s+(Pooled|Request): ([\d.]+) ns", line)):
            found.setdefault(name, {})[cost.group(1).lower()] = float(cost.group(2))
    return found


def _only(policies):
    if len(policies) != 1:
        raise Failed(f"the cost example of the policy engine says nothing of one policy: {policies}")
    return next(iter(policies.values()))


def _lookups(text):
    """Rows of a name and the costs at 10, 1,000 and 100,000 routes."""
    rows = re.findall(r"^(\S.*?)\s{2,}([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+x[\d.]+$", text, re.M)
    if not rows:
        raise Failed("the cost example of the router prints no row that is known here")
    return {name: dict(zip(("10", "1000", "100000"), map(float, costs))) for name, *costs in rows}


def _all(pattern, text, what):
    found = {name.strip(): float(cost) for name, cost in re.findall(pattern, text, re.M)}
    if not found:
        raise Failed(f"the cost examples print no {what} that is known here")
    return found
