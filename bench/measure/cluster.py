"""Measures the ingress on a real Kubernetes API server: start, memory, rest, changes, pods that turn unready, churn."""

import json
import os
import subprocess

from measure.machine import ROOT, TARGET, build, run, say
from measure.process import Failed
from measure.proxies import cardea

INGRESSES = 5_000
# The load generator needs no optimised build for its few hundred requests a second.
PROGRAM = TARGET / "debug" / "cluster-figures"


def build_all():
    build(["-p", "cardea"], "builds the ingress")
    run(["cargo", "build", "-p", "cardea-tests", "--bin", PROGRAM.name], "builds the load generator", cwd=ROOT)


def measure(quick):
    plane = subprocess.run([ROOT / "tools" / "control-plane"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    size = {"INGRESSES": 200, "STARTS": 1, "SAMPLES": 10, "SECONDS": 5} if quick else {"INGRESSES": INGRESSES}
    environment = {f"CARDEA_FIGURES_{name}": str(value) for name, value in size.items()}
    environment |= {"CARDEA_BIN": str(cardea.BINARY), "CARDEA_CONTROL_PLANE": plane}
    say(f"cluster: {size['INGRESSES']:,} Ingresses, about {'one minute' if quick else 'ten minutes'}")
    done = subprocess.run([PROGRAM], env=os.environ | environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Failed("the figures of a cluster could not be measured")
    return {"title": "in a cluster", **json.loads(done.stdout)}
