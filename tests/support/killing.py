"""Applies that are killed: what they are to do, when they die, and whether their ledger agrees with the directory."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from contenders import Contest
from fork_server import Process
from reconciler.applying import Status
from reconciler.model import Kind
from reconciler.planning import Action, Step
from reconciler.store import RunRecord
from reconciler.store.records import NOT_TRIED, TRYING
from witness import Phase, Witness

SETTINGS: Final[Mapping[str, Any]] = {"chunk_size": 50, "concurrency": 4}


@dataclass(frozen=True)
class Variant:
    """A kind of directory, and what the workspace says of it."""

    name: str
    dialect: str = "generic"
    directory: Mapping[str, Any] = field(default_factory=dict)


VARIANTS: Final = (
    Variant("bulk"),
    Variant("single", directory={"capabilities": {"bulk_operations": 0}}),
    Variant("atlassian", "atlassian", {"dialect": "atlassian"}),
)

EACH: Final = 40
"""How many users are new, changed, the same, leave, and are gone."""
GROUPS: Final = 12


def _name(fate: str, number: int) -> str:
    return f"{fate}{number:02}@example.com"


def _names(each: int, *fates: str) -> list[str]:
    return [_name(fate, number) for number in range(each) for fate in fates]


def _user(name: str, **attributes: Any) -> dict[str, Any]:
    return {"userName": name, "emails": [{"value": name, "type": "work", "primary": True}], **attributes}


def files(each: int = EACH) -> Mapping[str, Any]:
    """Return what is stated: about five steps from the seed for each of so many users, of every kind."""
    users = [
        *(_user(name, title="Engineer") for name in _names(each, "new", "changed", "same")),
        *(_user(name, title="Engineer", active=False) for name in _names(each, "leaver")),
    ]
    groups = [
        {
            "displayName": f"team-{number:02}",
            "members": _names(each, "new", "changed", "same")[number::GROUPS],
            **({"lifecycle": {"previously": [f"old-{number:02}"]}} if number % 3 == 0 else {}),
        }
        for number in range(GROUPS)
    ]
    return {"users": users, "groups": groups}


def seed(each: int = EACH) -> Mapping[str, Any]:
    """Return what the directory holds before."""
    users = [
        *(_user(name, title="Intern", active=True) for name in _names(each, "changed")),
        *(_user(name, title="Engineer", active=True) for name in _names(each, "same", "leaver", "gone")),
    ]
    before = {0: "old-{:02}", 1: "team-{:02}"}
    groups = [
        {
            "displayName": before[number % 3].format(number),
            "members": _names(each, "same", "leaver", "changed", "gone")[number : number + 40],
        }
        for number in range(GROUPS)
        if number % 3 in before
    ]
    return {"users": users, "groups": [*groups, *({"displayName": f"gone-{number}"} for number in range(3))]}


@dataclass(frozen=True)
class Moment:
    """When a process dies.

    Attributes:
        phase: where in the handling of a request, or ``commit``.
        number: which request of its own it is, or which of its commits, from 1.
        after: seconds between the beginning of that commit and death.
    """

    phase: Phase | Literal["commit"]
    number: int
    after: float = 0.0


def draw(rolls: random.Random, requests: int) -> Moment:
    """Draw a moment of a process that sends so many requests."""
    phase: Phase | Literal["commit"] = rolls.choice(("unseen", "unanswered", "answered", "commit"))
    if phase == "commit":
        # About as many commits as requests, where single steps are recorded; fewer where bulks are.
        return Moment("commit", rolls.randint(1, max(1, requests // 8)), rolls.choice((0.0, rolls.uniform(0, 0.02))))
    return Moment(phase, rolls.randint(1, max(1, requests)))


def start_and_kill(contest: Contest, moment: Moment, *arguments: str) -> Process:
    """Run a command that dies at a moment, unless it has come to its end before; return the process that was."""
    if moment.phase == "commit":
        process = contest.start(*arguments, dies_at=(moment.number, moment.after))
    else:
        contest.witness.strike(moment.number, moment.phase, contest.kill)
        process = contest.start(*arguments)
    process.wait()
    return process


Effect: TypeAlias = Literal["all", "some", "none"]
"""How much of a step a directory holds."""


class Snapshot:
    """What a directory holds at one moment."""

    def __init__(self, witness: Witness) -> None:
        with witness.directory.lock:
            resources = {kind: witness.directory.resources(kind) for kind in Kind}
        self._attributes: dict[str, Mapping[str, Any]] = {}
        self._members: dict[str, set[str]] = {}
        self._ids: dict[tuple[Kind, str], str] = {}
        for kind, found in resources.items():
            for resource in found:
                self._ids[kind, resource[kind.naming_attribute]] = resource["id"]
                self._members[resource["id"]] = {member["value"] for member in resource.pop("members", ())}
                self._attributes[resource["id"]] = {
                    name: value for name, value in resource.items() if name not in ("meta", "groups")
                }

    def effect(self, step: Step, before: Snapshot) -> Effect:
        """Tell how much of a step has come about since an earlier moment, at which nothing of it had."""
        return _amount(self._parts(step, before))

    def _parts(self, step: Step, before: Snapshot) -> Sequence[bool]:
        if step.action is Action.CREATE:
            return [(step.kind, step.name) in self._ids]
        if step.action is Action.DELETE:
            return [step.resource_id not in self._attributes]
        target = step.resource_id or self._ids.get((step.kind, step.name), "")
        if step.action in (Action.ADD_MEMBERS, Action.REMOVE_MEMBERS):
            wanted = step.action is Action.ADD_MEMBERS
            members = (edge.id or self._ids.get((edge.kind, edge.name), "") for edge in step.members)
            return [(member in self._members.get(target, ())) is wanted for member in members]
        return [self._attributes.get(target) != before._attributes[target]]


def _amount(parts: Sequence[bool]) -> Effect:
    return "all" if all(parts) else "some" if any(parts) else "none"


def disagreements(contest: Contest, before: Snapshot) -> list[str]:
    """Return where the ledgers of runs that carry out one plan, one going on with the other, and the directory differ.

    What a ledger calls applied is in the directory, and whatever is in the directory was recorded before as being
    tried.
    """
    now = Snapshot(contest.witness)
    found: list[str] = []
    tried: dict[str, set[str]] = {}
    store = contest.open()
    if store is None:
        return found
    with store:
        runs = store.runs(limit=1000)
        if not runs:
            return found
        plan = store.plan_of(runs[0].id)
        for run in runs:
            for step, line in zip(plan.steps, store.steps_of(run.id), strict=True):
                effect = now.effect(step, before)
                if line.step != step.id:
                    found.append(f"{line.number} of {run.id} is {line.step!r} and should be {step.id!r}")
                if line.state == Status.APPLIED and effect != "all":
                    found.append(f"{step.id!r} of {run.id} is called applied: {effect} of it is there")
                tried.setdefault(step.id, set()).add(line.state)
                if line.state not in (Status.APPLIED, TRYING, NOT_TRIED):
                    found.append(f"{step.id!r} of {run.id} is {line.state}: {line.message}")
        found += [
            f"{step.id!r} is called not tried: {effect} of it is there"
            for step in plan.steps
            if tried[step.id] <= {NOT_TRIED} and (effect := now.effect(step, before)) != "none"
        ]
        if not store.audit.verify().intact:
            found.append("the audit is not intact")
    return found


def last_run(contest: Contest) -> RunRecord | None:
    """Return the last run in the store, where there is one."""
    runs = contest.runs()
    return runs[-1] if runs else None
