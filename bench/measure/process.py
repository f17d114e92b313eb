"""Starts the processes of a measurement, reads what the kernel knows of them, and ends every one by its own pid."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """The measurement cannot be made; the text says what to look at."""


class Fleet:
    """A scratch folder and the processes that use it; both are gone when the `with` block ends, however it ends."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cardea-bench-"))
        self.folder.chmod(0o755)  # nginx's workers run as another user and read from here.
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, content):
        """Writes a file of the scratch folder: beside it first, then renamed, so that a watcher sees it whole."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = self.folder / ".staged"
        staged.write_bytes(content if isinstance(content, bytes) else content.encode())
        staged.rename(path)
        return path

    def start(self, name, command, **options):
        """Starts a process; without other wishes its output goes to NAME.log of the scratch folder."""
        if "stderr" not in options:
            with open(self.folder / f"{name}.log", "wb") as log:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        else:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.processes.append(process)
        return process

    def await_port(self, name, process, port, seconds=30):
        """Waits until the process listens; its own words are in the error if it does not."""
        end = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 0.5).close()
                return
            time.sleep(0.02)
        log = self.folder / f"{name}.log"
        said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        raise Failed(f"{name} does not listen on port {port}:\n{said}")


_given_ports = set()


def free_port():
    """A port that nothing listens on and that was not given out before."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given_ports:
            _given_ports.add(port)
            return port


def family(pid):
    """The process and all its descendants."""
    found, waiting = [], [pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                children = pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text()
                waiting += [int(child) for child in children.split()]
    return found


def cpu_seconds(pid):
    """User and system time of all threads of the process and of its descendants: proc(5), utime and stime."""
    ticks = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def memory_kib(pid):
    """`Rss` and `Pss` of the process and its descendants, in KiB: proc(5), smaps_rollup. Kernel buffers are not in it."""
    totals = {"rss": 0, "pss": 0}
    for member in family(pid):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
                label, *rest = line.split()
                if label in ("Rss:", "Pss:"):
                    totals[label[:-1].lower()] += int(rest[0])
    return totals


def peak_rss_kib(pid):
    """The most that was ever resident of this one process: proc(5), VmHWM."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise Failed(f"/proc/{pid}/status has no VmHWM")
