"""Sends the load of one round with wrk or h2load, and returns what the generator saw."""

import json
import pathlib
import re
import statistics
import subprocess

from measure.machine import program
from measure.process import Failed

HOST = "localhost"  # Also the name of the certificate; it resolves everywhere.

# With Host, eight.
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) cardea-bench",
    "Accept": "text/html,application/json;q=0.9",
    "Accept-Language": "en-GB,en;q=0.8",
    "Accept-Encoding": "gzip, br",
    "Cookie": "session=0123456789abcdef0123456789abcdef; theme=dark",
    "Referer": "https://example.org/from/here",
    "X-Trace": "7f3c9a1e",
}


def wrk(scheme, port, path, seconds, connections, extra_headers=()):
    """Keep-alive HTTP/1.1 from one thread. Microseconds, requests, and how many answers were not good."""
    headers = [*(f"{name}: {value}" for name, value in HEADERS.items()), *extra_headers]
    flags = [flag for header in headers for flag in ("-H", header)]
    script = pathlib.Path(__file__).with_name("load.lua")
    command = [program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, *flags]
    said = subprocess.run([*command, f"{scheme}://{HOST}:{port}{path}"], capture_output=True, text=True)
    if said.returncode != 0:
        raise Failed(f"wrk failed on port {port}: {said.stderr or said.stdout}")
    seen = json.loads(said.stdout.splitlines()[-1])
    return _checked({**seen, "bad": seen.pop("not_ok") + seen.pop("broken")}, port)


def h2load(port, path, seconds, connections, streams, folder):
    """HTTP/2 with prior knowledge from one thread; the percentiles are those of every single request."""
    log = folder / f"h2load-{port}.tsv"
    log.unlink(missing_ok=True)
    flags = [flag for name, value in HEADERS.items() for flag in ("-H", f"{name}: {value}")]
    shape = ["-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}", f"--connect-to=127.0.0.1:{port}"]
    command = [program("h2load"), *shape, f"--log-file={log}", *flags]
    said = subprocess.run([*command, f"http://{HOST}:{port}{path}"], capture_output=True, text=True)
    rows = [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    if said.returncode != 0 or not rows:
        raise Failed(f"h2load failed on port {port}: {said.stderr or said.stdout}")
    times = sorted(int(row[2]) for row in rows)
    bad = sum(1 for row in rows if row[1] != "200")
    traffic = re.search(r"traffic: .*\((\d+)\) total", said.stdout)
    return _checked({
        "requests": len(rows), "seconds": float(seconds), "bytes": int(traffic.group(1)) if traffic else 0, "bad": bad,
        "p50_us": int(statistics.median(times)), "p99_us": _percentile(times, 0.99), "p999_us": _percentile(times, 0.999),
    }, port)


def _percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _checked(seen, port):
    if seen["requests"] == 0:
        raise Failed(f"port {port} answered no request")
    return seen
