"""Write a Cardea routing policy in Python.

A policy is a subclass of `Policy` in the project's `policy.py`. It asks what it needs about the exchange in hand through
`Request`, and returns one `Outcome`. What it imports is what it may do: a policy that never imports `cardea.kv` needs no
grant for it. The other modules are `log`, `metrics`, `clock`, `random`, `counters`; and `stable`, `net`, `testing`, which
need no grant.
"""

from cardea.config import ConfigError, Duration
from cardea.exchange import Header, Request, Response
from cardea.outcome import Outcome, Reply, ResponseOutcome
from cardea.policy import Body, Policy, Summary

__all__ = [
    "Body",
    "ConfigError",
    "Duration",
    "Header",
    "Outcome",
    "Policy",
    "Reply",
    "Request",
    "Response",
    "ResponseOutcome",
    "Summary",
]
