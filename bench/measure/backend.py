"""The upstream that all contenders share: one nginx that answers for `main` and for `canary`."""

import dataclasses
import subprocess

from measure.load import HOST
from measure.machine import program
from measure.process import Failed, free_port
from measure.proxies import Certificate

SMALL, BIG, CHECK = "/api/items?id=42", "/big/file", "/check"
SIZES = {SMALL: 128, BIG: 65536}


@dataclasses.dataclass
class Backend:
    main: int
    canary: int


def start(fleet):
    backend = Backend(free_port(), free_port())
    fleet.write("big/file", b"x" * SIZES[BIG])
    servers = _server(fleet, "main", backend.main) + _server(fleet, "canary", backend.canary)
    process = fleet.start("backend", nginx_command(fleet, "backend", "", servers))
    for port in (backend.main, backend.canary):
        fleet.await_port("backend", process, port)
    return backend


def nginx_command(fleet, name, modules, http):
    """Writes an nginx configuration with one worker that logs nothing and never closes a busy connection."""
    scratch = f"{fleet.folder}/{name}"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = " ".join(f"{kind}_temp_path {scratch}.{kind};" for kind in kinds)
    path = fleet.write(f"{name}.conf", f"""
{modules}
daemon off; worker_processes 1; pid {scratch}.pid; error_log {scratch}.errors warn;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; server_tokens off; {folders}
  {http}
}}
""")
    return [program("nginx"), "-e", f"{scratch}.errors", "-c", str(path)]


def certificate(fleet):
    """A fresh P-256 certificate."""
    key, signed = fleet.folder / "tls.key", fleet.folder / "tls.crt"
    command = [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    said = subprocess.run([*command, "-keyout", key, "-out", signed], capture_output=True, text=True)
    if said.returncode != 0:
        raise Failed(f"openssl makes no certificate: {said.stderr}")
    return Certificate(str(signed), str(key))


def _server(fleet, name, port):
    """`/check` tells which backend answers and what x-policy says; the rest is the load's."""
    return f"""
  server {{
    listen 127.0.0.1:{port} backlog=8192;
    default_type text/plain;
    open_file_cache max=10;
    location / {{ return 200 '{"x" * SIZES[SMALL]}'; }}
    location {CHECK} {{ return 200 'backend={name} x-policy=$http_x_policy'; }}
    location /big/ {{ root {fleet.folder}; }}
  }}"""
