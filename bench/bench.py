#!/usr/bin/env python3
"""Measures Cardea side by side with nginx, HAProxy and Envoy, and writes results, table and plot.

`bench/bench.py` measures everything (about half an hour, on a machine that does nothing else);
`bench/bench.py --quick --scenario small` shows in a minute that it works, and stores nothing.
"""

import argparse
import pathlib
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from measure import cluster, edits, idle, machine, micro, report, results, rounds, routes
from measure.machine import say
from measure.process import Failed
from measure.proxies import cardea, envoy

SCENARIOS = (*rounds.TRAFFIC, "idle", "edits", "routes", "micro")
# Measured alone: it needs a Kubernetes control plane, which takes ten minutes to build.
APART = ("cluster",)


def main():
    options = arguments()
    # An ordinary end of the process, so that what was started is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if options.report:
            return report.write()
        prepare(options)
        measured = {name: measure(name, options) for name in options.scenario}
    except Failed as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    if options.quick:
        say("--quick: nothing is stored")
        print(report.markdown({"machine": {}, "sections": {name: with_origin(found) for name, found in measured.items()}}))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    listed = {"type": lambda text: text.split(","), "metavar": "NAME,.."}
    parser.add_argument("--scenario", default=list(SCENARIOS), help=f"some of: {', '.join(SCENARIOS + APART)}", **listed)
    parser.add_argument("--only", default=[], help=f"contenders: {', '.join(rounds.MODULES)}; stores nothing", **listed)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of one contender in one round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--idle-connections", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=20, help="edits of each kind")
    parser.add_argument("--quick", action="store_true", help="one round of a second; prints, stores nothing")
    parser.add_argument("--no-setup", action="store_true", help="install nothing")
    parser.add_argument("--no-build", action="store_true", help="measure what is built")
    parser.add_argument("--report", action="store_true", help="only write table and plot again from the results")
    options = parser.parse_args()
    for given, known, flag in ((options.scenario, SCENARIOS + APART, "--scenario"), (options.only, rounds.MODULES, "--only")):
        if unknown := [name for name in given if name not in known]:
            parser.error(f"{flag} {unknown[0]} is not known; it may be {', '.join(known)}")
    if options.quick:
        options.rounds, options.seconds, options.idle_connections, options.repeats = 1, 1, 200, 3
    options.quick = options.quick or bool(options.only)
    return options


def prepare(options):
    if not options.no_setup:
        machine.set_up()
    if options.no_build:
        return
    if "cluster" in options.scenario:
        cluster.build_all()
    if set(options.scenario) - set(APART):
        cardea.build_all()
        edits.build()
        envoy.build_policy()
        machine.build_guest(machine.ROOT / "bench" / "http-wasm-policy", "builds the policy for http-wasm")


def measure(name, options):
    """Measures one scenario and stores it at once, so that a later failure does not lose it."""
    busy = machine.others_at_work()
    if name in rounds.TRAFFIC:
        found = rounds.measure(name, options)
    elif name == "cluster":
        found = cluster.measure(options.quick)
    elif name == "idle":
        found = idle.measure(options.idle_connections, options.only)
    else:
        found = {"edits": lambda: edits.measure(options.repeats), "routes": routes.measure, "micro": micro.measure}[name]()
    if not options.quick:
        results.store(machine.describe(), name, {"others_cpu": busy, **found})
        report.write()
    return found


def with_origin(section):
    return {"date": "now", "cardea": "this tree", **section}


if __name__ == "__main__":
    main()
