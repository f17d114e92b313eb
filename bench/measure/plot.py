"""Draws CPU time a request of all contenders from the results; run by a python that has matplotlib."""

import json
import pathlib
import statistics
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

OURS, THEIRS, INK = "#2b6cb0", "#b8c2cc", "#222222"


def draw(results, target):
    section = results["sections"]["small"]
    costs = {name: [sample["cpu_us"] for sample in samples] for name, samples in section["contenders"].items()}
    names = sorted(costs, key=lambda name: -statistics.median(costs[name]))
    medians = [statistics.median(costs[name]) for name in names]
    below = [median - min(costs[name]) for name, median in zip(names, medians)]
    above = [max(costs[name]) - median for name, median in zip(names, medians)]
    figure, axes = pyplot.subplots(figsize=(7.2, 0.36 * len(names) + 1.1), dpi=110)
    colors = [OURS if name.startswith("Cardea") else THEIRS for name in names]
    axes.barh(names, medians, xerr=[below, above], color=colors, height=0.66, error_kw={"ecolor": INK, "capsize": 2})
    for at, (median, more) in enumerate(zip(medians, above)):
        axes.annotate(f"{median:.1f}", (median + more, at), (5, 0), textcoords="offset points", va="center", color=INK)
    axes.set_xlim(0, max(m + a for m, a in zip(medians, above)) * 1.12)
    axes.set_xlabel("CPU of the proxy, us a request: median of the rounds, least and greatest", fontsize=9)
    axes.set_title(f"One worker, {section['title']}", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(target)


if __name__ == "__main__":
    draw(json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2])
