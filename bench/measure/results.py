"""Keeps what was measured in `results/latest.json`, and takes medians and ratios from it."""

import datetime
import json
import math
import statistics

from measure.machine import ROOT

FOLDER = ROOT / "bench" / "results"
FILE = FOLDER / "latest.json"


def read():
    if not FILE.exists():
        return {"machine": {}, "sections": {}}
    return json.loads(FILE.read_text())


def store(machine, name, section):
    """Adds or replaces a section. Figures of another machine or of other versions do not stay beside it."""
    results = read()
    if _without_revision(results["machine"]) != _without_revision(machine):
        results["sections"] = {}
    results["machine"] = machine
    now = datetime.datetime.now(datetime.timezone.utc)
    results["sections"][name] = {"date": now.strftime("%Y-%m-%d %H:%M UTC"), "cardea": machine["cardea"], **section}
    FOLDER.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(results, indent=1) + "\n")


def spread(values):
    """Median, least and greatest."""
    return statistics.median(values), min(values), max(values)


def percentile(values, percent):
    """The least value that so many of a hundred do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def figures(section, contender, field):
    return [sample[field] for sample in section["contenders"][contender]]


def ratios(section, contender, other):
    """CPU time a request over another contender's of the same round; `None` if one of them was not there."""
    if contender not in section["contenders"] or other not in section["contenders"]:
        return None
    pairs = zip(figures(section, contender, "cpu_us"), figures(section, other, "cpu_us"))
    return [mine / theirs for mine, theirs in pairs]


def differences(section, contender, other):
    """CPU time a request less that of another contender in the same round, in ns; `None` if one of them was not there."""
    if contender not in section["contenders"] or other not in section["contenders"]:
        return None
    pairs = zip(figures(section, contender, "cpu_us"), figures(section, other, "cpu_us"))
    return [(mine - theirs) * 1000 for mine, theirs in pairs]


def _without_revision(machine):
    return {key: value for key, value in machine.items() if key != "cardea"}
