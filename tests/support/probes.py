"""Probes of sandbox directories, as tests use them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from reconciler.applying import StopSignal
from reconciler.capabilities import AttributeRule
from reconciler.config import DirectoryConfig, Policy, TokenSource, Unlisted
from reconciler.probing import Finding, Probe, Stock, probe
from reconciler.probing.probe import EXPERIMENTS
from reconciler.probing.seen import Experiment
from reconciler.sandbox.server import Sandbox
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import load_dialect
from reconciler.scim.discovery import discover
from reconciler.scim.retry import RetryPolicy

PEOPLE: dict[str, Any] = {
    "users": [
        {
            "userName": f"person{number}@example.com",
            "externalId": f"x-{number}",
            "name": {"givenName": "Person", "familyName": str(number)},
            "displayName": f"Person {number}",
            "emails": [{"value": f"person{number}@example.com", "primary": True}],
        }
        for number in range(6)
    ],
    "groups": [{"displayName": "team-platform", "members": ["person1@example.com", "person2@example.com"]}],
}
PATIENT = RetryPolicy(attempts=3, base_delay=0.01)
TODAY = date(2026, 11, 22)


@dataclass(frozen=True)
class Found:
    """What a probe has found, with the values alone."""

    probe: Probe
    requests: int

    @property
    def states(self) -> dict[str, Any]:
        return {name: value for name, (value, _) in self.probe.states.items()}

    @property
    def rules(self) -> set[AttributeRule]:
        return set(self.probe.rules)

    def answer(self, question: str) -> Finding:
        return next(found for found in self.probe.findings if question in found.question)


def questions(*parts: str) -> list[Experiment]:
    """Return the experiments whose questions hold one of these, in the order of a probe."""
    return [one for one in EXPERIMENTS if any(part in one.question for part in parts)]


def probed(
    directory: Sandbox | tuple[str, str],
    *,
    dialect: str = "generic",
    stop: StopSignal | None = None,
    experiments: Sequence[Experiment] = EXPERIMENTS,
    waits: Sequence[float] = (0.0, 0.0),
    retry: RetryPolicy = PATIENT,
) -> Found:
    """Probe a directory over HTTP."""
    base_url, token = (directory.base_url, directory.token) if isinstance(directory, Sandbox) else directory

    async def run() -> Found:
        async with ScimClient(base_url, token, retry=retry) as client:
            found = await discover(client, load_dialect(dialect))
            result = await probe(client, found, Stock("example.com"), stop=stop, experiments=experiments, waits=waits)
            return Found(result, client.statistics.requests)

    return asyncio.run(run())


def holds(sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """Return everything that a sandbox holds, but when it last touched the group that everybody is in."""
    kept = sandbox.directory.behaviour.group_of_all
    everything = {kind.value: sandbox.directory.resources(kind) for kind in sandbox.directory.behaviour.kinds}
    for group in everything.get("Group", []):
        if group["displayName"] == kept:
            del group["meta"]
    return everything


def config(dialect: str = "generic") -> DirectoryConfig:
    """What ``directory.yaml`` of such a directory says."""
    return DirectoryConfig(
        name="acme",
        base_url="https://scim.example.com/v2",
        token=TokenSource(env="SCIM_TOKEN"),
        dialect=dialect,
        policy=Policy(unlisted_users=Unlisted.IGNORE, unlisted_groups=Unlisted.IGNORE),
    )
