"""The contenders: one module each, all with one worker, in front of the same backend.

Each module has `start(fleet, backend, certificate)`, which returns its `Contender`s.
"""

import dataclasses


@dataclasses.dataclass
class Contender:
    """A proxy that runs."""

    name: str
    pid: int
    http: int
    https: int
    # Where HTTP/2 with prior knowledge is answered; the same port as HTTP/1.1 for those that can tell them apart.
    h2c: int
    # What its policy writes into x-policy; None: it has no policy.
    mark: str | None = None
    # Whether that policy chooses the backend too: modules made for another host name it in a header at most.
    routes: bool = True


@dataclasses.dataclass
class Certificate:
    """A self-signed certificate for the load's host."""

    certificate: str
    key: str
