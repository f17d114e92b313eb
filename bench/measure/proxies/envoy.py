"""Envoy, and Envoy with the reference policy as a proxy-wasm filter in V8."""

import json

from measure.machine import ROOT, TARGET, build_guest, program
from measure.process import free_port
from measure.proxies import Contender

TYPES = "type.googleapis.com/envoy.extensions"
SOURCE = ROOT / "bench" / "envoy-policy"
FOLDER = TARGET / "bench"
MODULE = FOLDER / "wasm32-unknown-unknown" / "release" / "envoy_policy.wasm"


def build_policy():
    build_guest(SOURCE, "builds the policy for Envoy, with proxy-wasm")


def start(fleet, backend, certificate):
    plain = _start(fleet, backend, certificate, "Envoy", [], None)
    return [plain, _start(fleet, backend, certificate, "Envoy + Wasm", [_wasm_filter()], "envoy")]


def _start(fleet, backend, certificate, name, filters, mark):
    http, https = free_port(), free_port()
    label = name.replace(" ", "")
    listeners = [_listener(http, filters, None), _listener(https, filters, certificate)]
    clusters = [_cluster("main", backend.main), _cluster("canary", backend.canary)]
    config = {"static_resources": {"listeners": listeners, "clusters": clusters}}
    path = fleet.write(f"{label}.json", json.dumps(config))
    flags = ["--concurrency", "1", "--base-id", str(http), "--disable-hot-restart", "--log-level", "error"]
    process = fleet.start(label, [program("envoy"), "-c", str(path), *flags])
    fleet.await_port(label, process, http)
    return Contender(name, process.pid, http, https, http, mark)


def _listener(port, filters, certificate):
    router = {"name": "router", "typed_config": {"@type": f"{TYPES}.filters.http.router.v3.Router"}}
    manager = {
        "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "generate_request_id": False,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": _routes()}]},
        "http_filters": [*filters, router],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    if certificate:
        chain["transport_socket"] = _tls(certificate)
    return {"address": _address(port), "filter_chains": [chain], "tcp_backlog_size": 8192}


def _routes():
    canary = {"name": "x-backend", "string_match": {"exact": "canary"}}
    return [
        {"match": {"prefix": "/", "headers": [canary]}, "route": {"cluster": "canary"}},
        {"match": {"prefix": "/"}, "route": {"cluster": "main"}},
    ]


def _tls(certificate):
    files = {"certificate_chain": {"filename": certificate.certificate}, "private_key": {"filename": certificate.key}}
    context = {"tls_certificates": [files], "alpn_protocols": ["h2", "http/1.1"]}
    tls = {"@type": f"{TYPES}.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": context}
    return {"name": "tls", "typed_config": tls}


def _wasm_filter():
    machine = {"vm_id": "policy", "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": str(MODULE)}}}
    plugin = {"name": "policy", "root_id": "policy", "vm_config": machine}
    config = {"@type": f"{TYPES}.filters.http.wasm.v3.Wasm", "config": plugin}
    return {"name": "policy", "typed_config": config}


def _cluster(name, port):
    most = {"max_connections": 8192, "max_pending_requests": 8192, "max_requests": 8192}
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "connect_timeout": "1s",
        "circuit_breakers": {"thresholds": [most]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
