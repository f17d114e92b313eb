"""nginx, and nginx with the reference policy in Lua."""

from measure.backend import nginx_command
from measure.machine import LUA_MODULE
from measure.process import free_port
from measure.proxies import Contender

# `ngx.exec` leaves for the canary's own location, so that all other requests keep a fixed upstream.
POLICY = """
    access_by_lua_block {
      if ngx.var.http_x_canary == "1" then return ngx.exec("@canary") end
      local path = ngx.var.uri
      if (path == "/admin" or path:sub(1, 7) == "/admin/") and not ngx.var.http_authorization then
        return ngx.exit(401)
      end
      ngx.req.set_header("x-policy", "lua")
    }"""


def start(fleet, backend, certificate):
    contenders = [_start(fleet, backend, certificate, "nginx", "", "", None)]
    if LUA_MODULE.exists():
        folder = LUA_MODULE.parent
        modules = f"load_module {folder}/ndk_http_module.so; load_module {LUA_MODULE};"
        contenders.append(_start(fleet, backend, certificate, "nginx + Lua", modules, POLICY, "lua"))
    return contenders


def _start(fleet, backend, certificate, name, modules, policy, mark):
    http, https, h2c = free_port(), free_port(), free_port()
    paths = "lua_package_path '/usr/share/lua/5.1/?.lua;;';" if policy else ""
    forward = "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host;"
    servers = f"""
  {paths}
  upstream main {{ server 127.0.0.1:{backend.main}; keepalive 128; keepalive_requests 1000000000; }}
  upstream canary {{ server 127.0.0.1:{backend.canary}; keepalive 128; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{http} backlog=8192;
    listen 127.0.0.1:{h2c} http2 backlog=8192;
    listen 127.0.0.1:{https} ssl backlog=8192;
    ssl_certificate {certificate.certificate}; ssl_certificate_key {certificate.key};
    {forward}
    location / {{ {policy}
      proxy_pass http://main; }}
    location @canary {{ proxy_pass http://canary; }}
  }}"""
    label = name.replace(" ", "")
    process = fleet.start(label, nginx_command(fleet, label, modules, servers))
    fleet.await_port(label, process, http)
    return Contender(name, process.pid, http, https, h2c, mark)
