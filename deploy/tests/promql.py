"""Parses every expression of the dashboard and of the alerts."""

import json
import pathlib
import re
import sys

import promql_parser

files = pathlib.Path(__file__).parent.parent / "helm/cardea/files"
dashboard = json.loads((files / "dashboard.json").read_text())
expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
rules = (files / "rules.yaml").read_text()
# An expression is one line, or an indented block after "|".
expressions += re.findall(r"expr: (?!\|)(.*)", rules)
expressions += [block for block in re.findall(r"expr: \|\n((?: {12}.*\n)+)", rules)]

broken = 0
for expression in expressions:
    try:
        # Grafana's variables stand where a duration or a string may.
        promql_parser.parse(expression.replace("$__rate_interval", "1m"))
    except ValueError as error:
        broken += 1
        print(f"{expression}\n  {error}")
print(f"{len(expressions)} expressions, {broken} broken")
sys.exit(bool(broken) or len(expressions) < 20)
