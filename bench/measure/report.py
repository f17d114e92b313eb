"""Writes the results as Markdown between the markers of `bench/README.md`, and as the plot."""

import statistics
import subprocess

from measure import results, targets
from measure.machine import ROOT, plotting_python, say
from measure.process import Failed
from measure.rounds import MODULE_COSTS, TRAFFIC

README = ROOT / "bench" / "README.md"
PLOT = results.FOLDER / "cpu.png"
BEGIN, END = "<!-- results: written by bench.py -->", "<!-- end of results -->"


def write():
    found = results.read()
    text = README.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise Failed(f"{README} has not one pair of the markers {BEGIN} and {END}")
    before, rest = text.split(BEGIN)
    README.write_text(before + BEGIN + "\n\n" + markdown(found) + "\n" + END + rest.split(END)[1])
    if "small" in found["sections"]:
        python = plotting_python()
        if not python:
            raise Failed("no python3 here has matplotlib; run without --no-setup")
        subprocess.run([python, ROOT / "bench" / "measure" / "plot.py", results.FILE, PLOT], check=True)
    say(f"wrote {results.FILE}, {README} and the plot")


def markdown(found):
    sections = found["sections"]
    parts = [_targets(sections), _machine(found["machine"], sections)]
    parts += [_traffic(name, sections[name]) for name in TRAFFIC if name in sections]
    writers = {"idle": _idle, "edits": _edits, "routes": _routes, "cluster": _cluster, "micro": _micro}
    parts += [write(sections[name]) for name, write in writers.items() if name in sections]
    return "\n".join(parts)


def _targets(sections):
    rows = [
        (target.what, f"<= {target.bound:g} {target.unit}".strip(), *targets.verdict(target, sections))
        for target in targets.TARGETS
    ]
    return "### Targets\n\n" + _table(("target", "bound", "measured", "verdict"), rows)


def _machine(machine, sections):
    if not machine:
        return "Nothing was measured yet.\n"
    names = {"h2load": "h2load (nghttp2)"}
    tools = ("nginx", "haproxy", "envoy", "wrk", "h2load", "rustc")
    versions = ", ".join(f"{names.get(tool, tool)} {machine[tool]}" for tool in tools)
    lines = [
        "### Machine\n",
        f"- {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, kernel {machine['kernel']}, {machine['system']}",
        f"- {versions}",
        *(
            f"- {name}: {section['date']}, Cardea at {section['cardea']}, {section['others_cpu']:.0%} of the processors busy before"
            for name, section in sections.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _traffic(name, section):
    heads = ("", "CPU us/request", "over nginx", "requests/s", "p50 us", "p99 us", "p99.9 us", "Pss MiB", "Rss MiB")
    rows = []
    for contender in section["contenders"]:
        def of(field, contender=contender):
            return results.figures(section, contender, field)

        over = results.ratios(section, contender, "nginx")
        latencies = [f"{statistics.median(of(field)):,.0f}" for field in ("p50_us", "p99_us", "p999_us")]
        memory = [f"{statistics.median(of(field)) / 1024:.1f}" for field in ("pss_kib", "rss_kib")]
        rate = f"{statistics.median(of('requests_per_second')):,.0f}"
        rows.append((contender, _spread(of("cpu_us"), 1), _spread(over, 2) if over else "", rate, *latencies, *memory))
    shape = f"{section['rounds']} rounds of {section['seconds']} s, {section['connections']} connections"
    plot = f"\n![CPU a request](results/{PLOT.name})\n" if name == "small" else ""
    table = f"### {_title(section)} (`{name}`)\n\n{shape}.\n{plot}\n" + _table(heads, rows)
    return table + _modules(section) if name == "abi" else table


def _modules(section):
    """What the module costs: the proxy with it less the proxy without, round by round."""
    rows = []
    for title, contender, plain in MODULE_COSTS:
        if ns := results.differences(section, contender, plain):
            rows.append((title, _spread(ns, 0)))
    if not rows:
        return ""
    heads = ("the module itself", "CPU ns/request: with it, less without it in the same round")
    return "\n" + _table(heads, rows)


def _idle(section):
    rows = [
        (name, found["kib_per_connection"], f"{found['before_kib'] / 1024:.1f}", f"{found['after_kib'] / 1024:.1f}")
        for name, found in section["contenders"].items()
    ]
    table = _table(("", "KiB a connection", "Pss MiB before", "Pss MiB after"), rows)
    return f"### {_title(section)} (`idle`)\n\n{section['connections']:,} connections.\n\n{table}"


def _edits(section):
    names = {"config": "config of a Policy", "module": "module of a Policy", "ingress": "backend of an Ingress"}
    rows = [
        (names[kind], f"{statistics.median(taken):.1f}", f"{min(taken):.1f}", f"{max(taken):.1f}")
        for kind, taken in section["ms"].items()
    ]
    table = _table(("edit", "median ms", "least", "greatest"), rows)
    return f"### {_title(section)} (`edits`)\n\n{section['repeats']} edits of each kind, none of them felt by a request.\n\n{table}"


def _routes(section):
    rows = [
        (
            f"{shape['ingresses']:,} Ingresses x {shape['paths']} paths", f"{shape['bytes'] / 2**20:.0f}",
            _spread(shape["ready_seconds"], 2), *(f"{shape[field] / 1024:.0f}" for field in ("pss_kib", "rss_kib", "peak_rss_kib")),
            _spread(shape["edit_ms"], 0),
        )
        for shape in section["shapes"]
    ]
    heads = ("", "MiB of YAML", "start to ready, s", "Pss MiB", "Rss MiB", "peak Rss MiB", "an edit, ms")
    return f"### {_title(section)} (`routes`)\n\n" + _table(heads, rows)


def _cluster(section):
    starts, churn, change = section["starts"], section["churn"], section["change"]
    each = {"change of an Ingress to the first request on it": change["ms"],
            "pod unready to the last new request to it": section["unready_ms"]}
    rows = [(name, len(ms), *(f"{results.percentile(ms, percent):.0f}" for percent in (50, 99)), f"{max(ms):.0f}")
            for name, ms in each.items()]
    return "\n".join((
        f"### {_title(section)} (`cluster`)\n",
        _table(("", "measured"), (
            ("start to ready, s", _spread([start["ready_ms"] / 1000 for start in starts], 2)),
            ("Pss after the start, MiB", _spread([start["pss_kib"] / 1024 for start in starts], 0)),
            ("Rss after the start, MiB", _spread([start["rss_kib"] / 1024 for start in starts], 0)),
            (f"CPU at rest, of one core, over {section['rest_seconds']} s", f"{section['idle_cpu_percent']:.2f} %"),
        )),
        f"With {section['ingresses']:,} Ingresses and as many Services; during the changes {change['others_per_second']:.0f} others a second.\n",
        _table(("ms", "times", "p50", "p99", "greatest"), rows),
        f"In {churn['seconds']:.0f} s of churn {churn['pods_replaced']:,} pods were replaced, Ingresses changed "
        f"{churn['ingress_changes']:,} times and a policy was swapped {churn['policy_swaps']:,} times under "
        f"{churn['requests']:,} requests, of which **{churn['failed']:,} failed**.\n",
    ))


def _micro(section):
    calls = [(name, *(f"{cost.get(kind, float('nan')):,.0f}" for kind in ("pooled", "request")))
             for name, cost in section["calls_ns"].items()]
    lookups = [(name, *(f"{cost:.1f}" for cost in row.values()), f"{row['100000'] / row['10']:.2f}")
               for name, row in section["lookups_ns"].items()]
    steps = [(name, f"{cost:g} ns") for kind in ("imports_ns", "preparation_ns") for name, cost in section[kind].items()]
    steps += [(name, f"{cost:g} ms") for name, cost in section["compile_ms"].items()]
    return "\n".join((
        f"### {_title(section)} (`micro`)\n",
        _table(("policy call", "pooled, ns", "`isolation: request`, ns"), calls),
        _table(("route lookup, ns", "10 routes", "1,000", "100,000", "100,000 over 10"), lookups),
        _table(("step", "cost"), steps),
    ))


def _title(section):
    return section["title"][0].upper() + section["title"][1:]


def _spread(values, digits):
    median, least, greatest = results.spread(values)
    return f"{median:,.{digits}f} ({least:,.{digits}f} to {greatest:,.{digits}f})"


def _table(heads, rows):
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
