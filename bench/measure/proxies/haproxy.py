"""HAProxy, and HAProxy with the reference policy as ACLs."""

import pathlib

from measure.machine import program
from measure.process import free_port
from measure.proxies import Contender

POLICY = """
  acl canary req.hdr(x-canary) -m str 1
  acl guarded path /admin
  acl guarded path_beg /admin/
  acl known req.hdr(authorization) -m found
  http-request return status 401 if guarded !known !canary
  http-request set-header x-policy haproxy if !canary
  use_backend canary if canary"""


def start(fleet, backend, certificate):
    plain = _start(fleet, backend, certificate, "HAProxy", "", None)
    return [plain, _start(fleet, backend, certificate, "HAProxy + ACL", POLICY, "haproxy")]


def _start(fleet, backend, certificate, name, policy, mark):
    http, https, h2c = free_port(), free_port(), free_port()
    label = name.replace(" ", "")
    both = pathlib.Path(certificate.certificate).read_text() + pathlib.Path(certificate.key).read_text()
    pem = fleet.write("tls.pem", both)
    path = fleet.write(f"{label}.cfg", f"""
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 75s
  http-reuse always
frontend front
  bind 127.0.0.1:{http} backlog 8192
  bind 127.0.0.1:{h2c} backlog 8192 proto h2
  bind 127.0.0.1:{https} backlog 8192 ssl crt {pem}{policy}
  default_backend main
backend main
  server main 127.0.0.1:{backend.main}
backend canary
  server canary 127.0.0.1:{backend.canary}
""")
    process = fleet.start(label, [program("haproxy"), "-f", str(path)])
    fleet.await_port(label, process, http)
    return Contender(name, process.pid, http, https, h2c, mark)
