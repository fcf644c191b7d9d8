"""A workspace and a directory, and the whole way of the data between them, as tests use it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from memory_journal import MemoryJournal
from reconciler.applying import ApplyEvent, Breaker, Outcome, RunResult, StopSignal, apply_plan
from reconciler.applying.settling import SETTLING_SECONDS
from reconciler.config import Policy
from reconciler.desired import load
from reconciler.live import read_live
from reconciler.model import History, Live, Observation
from reconciler.planning import Plan, plan
from reconciler.sandbox.server import Sandbox
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import load_dialect
from reconciler.scim.retry import RetryPolicy
from reconciler.store.observing import learned

DIRECTORY = """\
directory:
  name: test
  dialect: {dialect}
  base_url: ${{SCIM_BASE_URL}}
  token: {{env: SCIM_TOKEN}}
unlisted: {{users: {users}, groups: {groups}}}
guards:
  users:
    create: {{count: 100000}}
    update: {{count: 100000}}
    deactivate: {{count: 100000}}
    delete: {{count: 100000}}
  groups: {{create: {{count: 100000}}, delete: {{count: 100000}}}}
  members: {{remove: {{count: 100000}}}}
  memberships: {{remove: {{count: 100000}}}}
  identity: {{change: {{count: 100000}}}}
apply: {{chunk_size: {chunk_size}, max_failures: {{count: 100000}}, stop_on_difference: false}}
"""
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


class Start(Protocol):
    """Start a sandbox directory, and return a scenario against it."""

    def __call__(
        self, dialect: str = "generic", *, seed: Mapping[str, Any] | None = None, **fields: Any
    ) -> tuple[Scenario, Sandbox]: ...


@dataclass
class Scenario:
    """One workspace against one endpoint."""

    workspace: Path
    base_url: str
    token: str
    dialect: str = "generic"
    as_of: datetime = AS_OF
    concurrency: int = 8
    timeout: float = 10.0
    unlisted: tuple[str, str] = ("deactivate", "delete")
    chunk_size: int = 50
    canary: int = 10
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    settling: tuple[float, ...] = SETTLING_SECONDS
    bulk: bool = False
    """Whether /Bulk is used where the directory offers it. Most tests are about single requests."""
    memory: dict[str, list[Observation]] = field(default_factory=dict)
    """What applies have learned, by directory."""

    def write(self, yaml: str) -> Scenario:
        """State this, and nothing else."""
        users, groups = self.unlisted
        directory = DIRECTORY.format(dialect=self.dialect, users=users, groups=groups, chunk_size=self.chunk_size)
        (self.workspace / "directory.yaml").write_text(directory, encoding="utf-8")
        (self.workspace / "resources.yaml").write_text(yaml, encoding="utf-8")
        return self

    def client(self) -> ScimClient:
        return ScimClient(
            self.base_url, self.token, concurrency=self.concurrency, timeout=self.timeout, retry=self.retry
        )

    def live(self) -> Live:
        async def read() -> Live:
            async with self.client() as client:
                return await read_live(client, load_dialect(self.dialect))

        live = asyncio.run(read())
        return live if self.bulk else replace(live, capabilities=replace(live.capabilities, bulk_operations=0))

    def plan(self, policy: Policy | None = None) -> Plan:
        return self.plan_for(self.live(), policy)

    def plan_for(self, live: Live, policy: Policy | None = None) -> Plan:
        """Plan for a directory that was read before, with what earlier applies from this workspace learned of it."""
        history = History(observations=tuple(self.memory.get(live.base_url, ())))
        desired = load(self.workspace).desired
        policy = policy or replace(desired.config.policy, canary=self.canary)
        return plan(desired, live, as_of=self.as_of, policy=policy, history=history)

    def apply(
        self,
        planned: Plan | None = None,
        *,
        stop: StopSignal | None = None,
        on_event: Callable[[ApplyEvent], None] | None = None,
        journal: MemoryJournal | None = None,
        breaker: Breaker | None = None,
    ) -> RunResult:
        """Carry out a plan, or a fresh one."""
        live = self.live()
        made = planned or self.plan_for(live)
        return self.apply_to(made, live, stop=stop, on_event=on_event, journal=journal, breaker=breaker)

    def apply_to(
        self,
        planned: Plan,
        live: Live,
        *,
        stop: StopSignal | None = None,
        on_event: Callable[[ApplyEvent], None] | None = None,
        journal: MemoryJournal | None = None,
        breaker: Breaker | None = None,
        settled: Mapping[str, Outcome] | None = None,
        doubtful: Collection[str] = (),
    ) -> RunResult:
        """Carry out a plan on a directory that was read before."""

        async def run() -> RunResult:
            async with self.client() as client:
                return await apply_plan(
                    planned,
                    client,
                    schemas=live.schemas,
                    capabilities=live.capabilities,
                    journal=journal or MemoryJournal(),
                    breaker=breaker,
                    settled=settled or {},
                    doubtful=doubtful,
                    stop=stop,
                    on_event=on_event,
                    settling=self.settling,
                )

        result = asyncio.run(run())
        self.memory.setdefault(live.base_url, []).extend(learned(result.outcomes))
        return result

    def converge(self) -> RunResult:
        """Apply, and prove that nothing is left to do."""
        result = self.apply()
        problems = [f"{outcome.step.id}: {outcome.status} {outcome.message}" for outcome in result.outcomes]
        assert result.complete, "\n".join(problems)
        left = self.plan()
        assert left.steps == (), left.steps
        return result

    def members(self, group: str) -> set[str]:
        """The userNames in a live group."""
        live = self.live()
        found = next(candidate for candidate in live.groups if candidate.name == group)
        return {live.users_by_id[member].name for member in found.members or ()}
