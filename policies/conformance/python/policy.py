"""The conformance policy: what each path does is said in ../README.md."""

from dataclasses import dataclass

import ask
import decide
import later
import services

from cardea import Body, ConfigError, Outcome, Policy, Request, Response, ResponseOutcome, Summary


@dataclass(frozen=True)
class Config:
    backend: str
    limit: int = 3
    mark: str = "cardea"

    def __post_init__(self) -> None:
        if not self.backend:
            raise ConfigError("config.backend", "name a backend of the route")
        if not 1 <= self.limit <= 1000:
            raise ConfigError("config.limit", "give a whole number from 1 to 1000")


class Conformance(Policy[Config]):
    def on_request(self, request: Request) -> Outcome:
        path = request.path
        return (
            ask.outcome(path, request)
            or decide.outcome(path, request, self.config)
            or services.outcome(path, request, self.config)
            or self.otherwise(request)
        )

    def otherwise(self, request: Request) -> Outcome:
        if request.header("x-canary") == "1":
            return Outcome.to(self.config.backend)
        return Outcome.next().set_header("x-policy", self.config.mark)

    def on_request_body(self, request: Request, body: Body) -> Outcome:
        return later.body(request, body)

    def on_response(self, request: Request, response: Response, carry: bytes) -> ResponseOutcome:
        return later.response(request, response, carry)

    def on_complete(self, request: Request, summary: Summary, carry: bytes) -> None:
        later.complete(summary, carry)
