"""Holds the results against the targets; a verdict is computed here and written nowhere by hand."""

import dataclasses
import statistics
from typing import Callable

from measure import results

PLAIN, POLICY = "Cardea", "Cardea + policy"


@dataclasses.dataclass
class Target:
    what: str
    bound: float
    unit: str
    # sections -> the figure that is held against the bound, or None if it was not measured.
    figure: Callable


def _ratio(contender, other):
    def figure(sections):
        found = results.ratios(sections["small"], contender, other) if "small" in sections else None
        return statistics.median(found) if found else None

    return figure


def _call(isolation):
    def figure(sections):
        return sections["micro"]["calls_ns"]["reference, sets a header"][isolation] / 1000 if "micro" in sections else None

    return figure


def _idle(sections):
    """Of the dearest of the ingress's three ways to run."""
    contenders = sections["idle"]["contenders"] if "idle" in sections else {}
    costs = [found["kib_per_connection"] for name, found in contenders.items() if name.startswith(PLAIN)]
    return max(costs, default=None)


def _lookup(sections):
    """Of the worst of the shapes."""
    rows = sections["micro"]["lookups_ns"].values() if "micro" in sections else []
    return max((row["100000"] / row["10"] for row in rows), default=None)


def _load(sections):
    """Of the slower of the shapes."""
    shapes = sections["routes"]["shapes"] if "routes" in sections else []
    return max((statistics.median(shape["ready_seconds"]) for shape in shapes), default=None)


def _edit(sections):
    """The slowest edit of a policy, of its config or of its module."""
    taken = sections["edits"]["ms"] if "edits" in sections else {}
    return max(taken.get("config", []) + taken.get("module", []), default=None)


def _cluster(figure):
    """Of the figures of a cluster; `figure` takes them from the section."""
    return lambda sections: figure(sections["cluster"]) if "cluster" in sections else None


TARGETS = (
    Target("CPU a request without policy, over nginx", 1.05, "", _ratio(PLAIN, "nginx")),
    Target("CPU a request with the reference policy, over nginx", 1.15, "", _ratio(POLICY, "nginx")),
    Target("CPU a request with the reference policy, over Envoy with it", 0.35, "", _ratio(POLICY, "Envoy + Wasm")),
    Target("call of the reference policy, pooled", 1.2, "us", _call("pooled")),
    Target("call of the reference policy, `isolation: request`", 15, "us", _call("request")),
    Target("a connection at rest", 8, "KiB", _idle),
    Target("lookup at 100,000 routes, over that at 10", 1.5, "", _lookup),
    Target("100,000 routes from disk, start to ready", 3, "s", _load),
    Target("edit of a policy to the first request on it, slowest", 300, "ms", _edit),
    Target("5,000 Ingresses and Services in a cluster, start to ready, slowest", 5, "s",
           _cluster(lambda found: max(start["ready_ms"] for start in found["starts"]) / 1000)),
    Target("change of an Ingress in a cluster to the first request on it, p50", 200, "ms",
           _cluster(lambda found: results.percentile(found["change"]["ms"], 50))),
    Target("the same, p99", 1000, "ms", _cluster(lambda found: results.percentile(found["change"]["ms"], 99))),
    Target("pod unready to the last new request to it, p99", 500, "ms",
           _cluster(lambda found: results.percentile(found["unready_ms"], 99))),
    Target("failed requests while pods, Ingresses and a policy change", 0, "", _cluster(lambda found: found["churn"]["failed"])),
)


def verdict(target, sections):
    """The figure as text, and `reached`, `missed` or `not measured`."""
    value = target.figure(sections)
    if value is None:
        return "", "not measured"
    return f"{value:.3g} {target.unit}".strip(), "reached" if value <= target.bound else "**missed**"
