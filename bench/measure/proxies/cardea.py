"""Cardea: without a policy, with the reference policy, and with a fresh instance of it for each request."""

import base64
import json
import os
import pathlib
import subprocess
import threading
import time

from measure.load import HOST
from measure.machine import ROOT, TARGET, build, run
from measure.process import Failed
from measure.proxies import Contender

# Another build, to try the benchmark with: `CARDEA`.
BINARY = pathlib.Path(os.environ.get("CARDEA") or TARGET / "release" / "cardea").resolve()
POLICIES = TARGET / "bench" / "policies"
REFERENCE = POLICIES / "reference.wasm"
WASI_HTTP = POLICIES / "wasi_http.wasm"
HTTP_WASM = TARGET / "bench" / "wasm32-unknown-unknown" / "release" / "http_wasm_policy.wasm"


def build_all():
    build(["-p", "cardea"], "builds the ingress")
    build_policy(ROOT / "policies" / "reference", REFERENCE)
    build_policy(ROOT / "bench" / "wasi-http-policy", WASI_HTTP)


def build_policy(source, component):
    """Makes a component of a policy's crate, as its author would."""
    component.parent.mkdir(parents=True, exist_ok=True)
    run([BINARY, "policy", "build", source, "--out", component], f"builds the policy {source.name}")


def start(fleet, backend, certificate):
    return [
        _start(fleet, backend, certificate, "Cardea", None, None),
        _start(fleet, backend, certificate, "Cardea + policy", REFERENCE, "cardea"),
        _start(fleet, backend, certificate, "Cardea + policy, isolated", REFERENCE, "cardea", isolation="request"),
    ]


def start_abis(fleet, backend, certificate, proxy_wasm):
    """The same decisions by each ABI; `proxy_wasm` is the module that Envoy runs too."""
    return [
        _start(fleet, backend, certificate, "Cardea", None, None),
        _start(fleet, backend, certificate, "Cardea, cardea:policy", REFERENCE, "cardea"),
        _start(fleet, backend, certificate, "Cardea, proxy-wasm", proxy_wasm, "envoy", routes=False),
        _start(fleet, backend, certificate, "Cardea, http-wasm", HTTP_WASM, "http-wasm", routes=False),
        _start(fleet, backend, certificate, "Cardea, wasi:http", WASI_HTTP, "wasi-http", routes=False),
    ]


def _start(fleet, backend, certificate, name, module, mark, isolation="pooled", routes=True):
    folder = "".join(letter for letter in name if letter.isalnum())
    fleet.write(f"{folder}/base.yaml", base(certificate))
    fleet.write(f"{folder}/services.yaml", service("main", backend.main) + service("canary", backend.canary))
    fleet.write(f"{folder}/ingress.yaml", ingress("bench", policy="reference" if module else None))
    if module:
        fleet.write(f"{folder}/modules/reference.wasm", module.read_bytes())
        fleet.write(f"{folder}/policy.yaml", policy("reference", "modules/reference.wasm", isolation))
    process = Cardea(fleet, fleet.folder / folder)
    process.await_generation()
    return Contender(name, process.pid, process.http, process.https, process.http, mark, routes)


class Cardea:
    """A running ingress and what it said on stderr, each line with the time when it came."""

    def __init__(self, fleet, manifests, flags=()):
        command = [str(BINARY), "serve", "--manifests", str(manifests), "--workers", "1", "--access-log", "off"]
        for listener in ("http", "https", "admin"):
            command += [f"--{listener}", "127.0.0.1:0"]
        self.events = []
        self.changed = threading.Condition()
        self.started = time.monotonic()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        self.process = fleet.start(manifests.name, [*command, *flags], **quiet)
        self.pid = self.process.pid
        threading.Thread(target=self._follow, daemon=True).start()
        self.http, self.https, self.admin = (self._port(name) for name in ("http", "https", "admin"))

    def await_event(self, wanted, after=0, seconds=60):
        """The first event, not among the first `after`, for which `wanted` holds: its time, and the event."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                for when, event in self.events[after:]:
                    if wanted(event):
                        return when, event
                left = end - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    raise Failed(f"cardea does not get there; its last words: {self.events[-5:]}")
                self.changed.wait(min(left, 0.2))

    def await_generation(self, seconds=60):
        """The first generation; one with problems is a mistake of the benchmark's own manifests."""
        when, event = self.await_event(lambda event: event.get("event") == "generation", seconds=seconds)
        if event.get("problems"):
            raise Failed(f"cardea has problems with the benchmark's manifests: {[event for _, event in self.events]}")
        return when, event

    def _port(self, listener):
        def wanted(event):
            return event.get("event") == "listening" and event.get("listener") == listener

        return int(self.await_event(wanted)[1]["address"].rsplit(":", 1)[1])

    def _follow(self):
        for line in self.process.stderr:
            now = time.monotonic()
            try:
                event = json.loads(line)
            except ValueError:
                event = {"said": line.decode(errors="replace")}
            with self.changed:
                self.events.append((now, event))
                self.changed.notify_all()


def base(certificate):
    """The class, and the Secret of the host."""
    def data(path):
        return base64.b64encode(pathlib.Path(path).read_bytes()).decode()

    return f"""
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{ name: cardea }}
spec: {{ controller: cardea.dev/ingress }}
---
apiVersion: v1
kind: Secret
metadata: {{ name: tls, namespace: bench }}
type: kubernetes.io/tls
data:
  tls.crt: {data(certificate.certificate)}
  tls.key: {data(certificate.key)}
"""


def service(name, port):
    return f"""
---
apiVersion: v1
kind: Service
metadata: {{ name: {name}, namespace: bench }}
spec: {{ ports: [ {{ name: http, port: 80, targetPort: {port} }} ] }}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{ name: {name}-1, namespace: bench, labels: {{ kubernetes.io/service-name: {name} }} }}
addressType: IPv4
ports: [ {{ name: http, port: {port} }} ]
endpoints: [ {{ addresses: [ 127.0.0.1 ], conditions: {{ ready: true }} }} ]
"""


def ingress(name, policy=None, service="main"):
    attached = f"\n    cardea.dev/policies: {policy}\n    cardea.dev/backends: canary=canary:80" if policy else " {}"
    return f"""
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  namespace: bench
  annotations:{attached}
spec:
  ingressClassName: cardea
  tls: [ {{ hosts: [ {HOST} ], secretName: tls }} ]
  rules:
  - host: {HOST}
    http: {{ paths: [ {{ path: /, pathType: Prefix, backend: {{ service: {{ name: {service}, port: {{ number: 80 }} }} }} }} ] }}
"""


def policy(name, module, isolation="pooled", config="null"):
    return f"""
apiVersion: cardea.dev/v1alpha1
kind: Policy
metadata: {{ name: {name}, namespace: bench }}
spec:
  module: {{ file: {module} }}
  config: {config}
  isolation: {isolation}
"""
