"""A meddler between us and a real directory: it loses answers, lies, refuses and misreads as a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from loopback import Loopback, Reply, Request
from reconciler.applying import Outcome, RunResult, Status
from reconciler.model import Kind
from reconciler.sandbox.server import Sandbox
from scenario import Scenario

Forward: TypeAlias = Callable[[Request], Reply]
Meddle: TypeAlias = Callable[[Request, Forward], Reply]


@dataclass
class Between:
    """A scenario whose requests pass through a meddler, the same without it, and the directory behind both."""

    scenario: Scenario
    direct: Scenario
    sandbox: Sandbox
    meddler: Loopback

    def apply(self) -> RunResult:
        return self.scenario.apply()

    def sent(self, method: str, endpoint: str = "") -> list[Request]:
        """The requests of a method to an endpoint that came so far."""
        return [request for request in self.meddler.requests if request.method == method and endpoint in request.path]

    def id_of(self, name: str) -> str:
        live = self.direct.live()
        return next(found.id for found in (*live.users, *live.groups) if found.name == name)

    def delete(self, kind: Kind, resource_id: str) -> None:
        """Delete a resource as somebody else would."""
        with self.sandbox.directory.lock:
            self.sandbox.directory.delete(kind, resource_id)


class Interpose(Protocol):
    """Start a directory and a meddler in front of it."""

    def __call__(
        self, meddle: Meddle, *, dialect: str = "generic", seed: Mapping[str, Any] | None = None
    ) -> Between: ...


class Once:
    """True the first time that something is the case."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = False

    def __call__(self, condition: bool) -> bool:
        with self._lock:
            first = condition and not self._done
            self._done = self._done or condition
            return first


def pass_on(request: Request, forward: Forward) -> Reply:
    return forward(request)


def with_body(request: Request, body: object) -> Request:
    return replace(request, body=json.dumps(body).encode())


def look(request: Request, forward: Forward) -> Reply:
    """Do nothing, and answer with the resource as it is."""
    return forward(replace(request, method="GET", body=b""))


def user(name: str, **attributes: Any) -> dict[str, Any]:
    address = f"{name}@example.com"
    return {"userName": address, "emails": [{"value": address, "type": "work", "primary": True}], **attributes}


def statuses(result: RunResult) -> dict[str, Status]:
    return {outcome.step.id: outcome.status for outcome in result.outcomes}


def outcome_of(result: RunResult, step: str) -> Outcome:
    return next(outcome for outcome in result.outcomes if outcome.step.id == step)


def team(*members: str, name: str = "team") -> str:
    """The YAML of users and of one group that they are in."""
    users = "".join(f"  - {{userName: {member}@example.com}}\n" for member in members)
    listed = ", ".join(f"{member}@example.com" for member in members)
    return f"users:\n{users}groups:\n  - {{displayName: {name}, members: [{listed}]}}\n"
