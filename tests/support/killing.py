"""Applies that are killed: what they are to do, when they die, and whether their ledger agrees with the directory."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from contenders import Contest
from fork_server import Process
from reconciler.applying import Status
from reconciler.model import Kind
from reconciler.planning import Action, Step
from reconciler.store import RunRecord, StepRecord
from reconciler.store.records import NOT_TRIED, TRYING
from thoroughness import cases
from witness import Phase, Witness

EACH: Final = cases(16, thorough=40)
"""How many users are new, changed, the same, leave, and are gone."""
GROUPS: Final = 12
SETTINGS: Final[Mapping[str, Any]] = {"chunk_size": 50, "concurrency": 4}


@dataclass(frozen=True)
class Variant:
    """A kind of directory, and what the workspace says of it.

    Attributes:
        name: for messages.
        dialect: of the directory.
        directory: what the workspace says of it.
        at_once: how many resources a run may leave in doubt. A bulk request takes a whole chunk; else there are as many
            as are in work at once, and the groups that wait for another one to show how memberships are written.
    """

    name: str
    dialect: str = "generic"
    directory: Mapping[str, Any] = field(default_factory=dict)
    at_once: int = SETTINGS["concurrency"] + GROUPS


VARIANTS: Final = (
    Variant("bulk", at_once=SETTINGS["chunk_size"]),
    Variant("single", directory={"capabilities": {"bulk_operations": 0}}),
    Variant("atlassian", "atlassian", {"dialect": "atlassian"}),
)


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
    # It may have ended before its time.
    contest.witness.spare()
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


def disagreements(contest: Contest, before: Snapshot, variant: Variant) -> list[str]:
    """Return where the ledgers of runs that carry out one plan, one going on with the other, and the directory differ.

    What a ledger calls applied is in the directory, whatever is in the directory was recorded before as being tried,
    and of few resources a ledger does not know.
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
        effects = {step.id: now.effect(step, before) for step in plan.steps}
        for run in runs:
            ledger = list(zip(plan.steps, store.steps_of(run.id), strict=True))
            found += [f"{why} in {run.id}" for step, line in ledger for why in _untrue(step, line, effects[step.id])]
            in_doubt = {step.resource_id or step.address for step, line in ledger if line.state == TRYING}
            if len(in_doubt) > variant.at_once:
                found.append(f"{run.id} left in doubt {sorted(in_doubt)}")
            for step, line in ledger:
                tried.setdefault(step.id, set()).add(line.state)
        found += [
            f"{step!r} is called not tried: {effect} of it is there"
            for step, effect in effects.items()
            if tried[step] <= {NOT_TRIED} and effect != "none"
        ]
        if not store.audit.verify().intact:
            found.append("the audit is not intact")
    return found


def _untrue(step: Step, line: StepRecord, effect: Effect) -> Iterator[str]:
    """Yield what is wrong with a line of a ledger, where so much of its step has come about."""
    if line.step != step.id:
        yield f"line {line.number} is {line.step!r} and should be {step.id!r}"
    if line.state == Status.APPLIED and effect != "all":
        yield f"{step.id!r} is called applied: {effect} of it is there"
    if line.state not in (Status.APPLIED, TRYING, NOT_TRIED):
        yield f"{step.id!r} is {line.state}: {line.message}"


def last_run(contest: Contest) -> RunRecord | None:
    """Return the last run in the store, where there is one."""
    runs = contest.runs()
    return runs[-1] if runs else None
