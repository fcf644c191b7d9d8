"""The fault campaign: one workspace and one directory, a fault, and what must be true of both whatever goes wrong."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler.diagnostics import ReconcilerError
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.faults import FaultRule, Reply, ShiftingPages
from reconciler.sandbox.faults.exchange import Answer, Incoming, Stateless, Turn
from reconciler.sandbox.gate import RecordedRequest
from reconciler.sandbox.seed import dump
from reconciler.sandbox.server import Sandbox
from reconciler.scim.retry import RetryPolicy
from scenario import Scenario

PATIENT = RetryPolicy(attempts=4, base_delay=0.001, max_delay=0.003)
HEALTHY_RUNS = 2
STRANGER = "robot@elsewhere.example"
MIXTURE = "mixture"
GONE = "gone-"  # how the ids begin that a shifting listing makes up

YAML = """\
users:
  - {userName: ada@example.com, externalId: x-ada, title: Principal, emails: [ada@example.com]}
  - {userName: bob@example.com, externalId: x-bob, emails: [bob@example.com]}
  - {userName: cleo.new@example.com, externalId: x-cleo, emails: [cleo@example.com]}
  - {userName: fay@example.com, externalId: x-fay, emails: [fay@example.com]}
  - {userName: gus@example.com, externalId: x-gus, active: false, emails: [gus@example.com]}
  - {userName: hal@example.com, externalId: x-hal, name: {givenName: Hal}, department: Sea, emails: [hal@example.com]}
  - {userName: ian@example.com, externalId: x-ian, title: null, emails: [ian@example.com]}
  - {userName: joy@example.com, externalId: x-joy, emails: [joy@example.com]}
  - {userName: kim@example.com, externalId: x-kim, emails: [kim@example.com]}
  - {userName: lou@example.com, externalId: x-lou, emails: [lou@example.com]}
  - {userName: max@example.com, externalId: x-max, title: New, emails: [max@example.com]}
  - {userName: nia@example.com, externalId: x-nia, emails: [nia@example.com]}
  - {userName: oli@example.com, externalId: x-oli, emails: [oli@example.com]}
groups:
  - displayName: team-a
    members: [ada@example.com, bob@example.com, cleo.new@example.com, kim@example.com, max@example.com]
  - {displayName: team-b, members: [ian@example.com, joy@example.com, nia@example.com]}
  - displayName: team-new
    members: [hal@example.com, joy@example.com, oli@example.com]
    lifecycle: {previously: [team-old]}
  - {displayName: team-fresh, members: [ada@example.com, max@example.com, nia@example.com]}
"""
LEAVERS = ("dan@example.com", "eve@example.com")
TITLES = {"ada@example.com": "Principal", "max@example.com": "New"}
INACTIVE = "gus@example.com"
ACTIVE = {name for name in re.findall(r"userName: ([^,]+)", YAML) if name != INACTIVE} | {STRANGER}
MEMBERS = {
    "team-a": {
        *("ada@example.com", "bob@example.com", "cleo.new@example.com", "kim@example.com", "max@example.com"),
        STRANGER,
    },
    "team-b": {"ian@example.com", "joy@example.com", "nia@example.com"},
    "team-new": {"hal@example.com", "joy@example.com", "oli@example.com"},
    "team-fresh": {"ada@example.com", "max@example.com", "nia@example.com"},
}


def seed() -> dict[str, Any]:
    """What the directory holds before: twelve users and one that is none of ours, and four groups."""

    def user(name: str, **attributes: Any) -> dict[str, Any]:
        address = f"{name}@example.com"
        emails = [{"value": address, "type": "work", "primary": True}]
        return {"userName": address, "externalId": f"x-{name}", "emails": emails, "active": True, **attributes}

    def group(name: str, *members: str) -> dict[str, Any]:
        return {"displayName": name, "members": [f"{member}@example.com" for member in members]}

    stranger = user("robot") | {"userName": STRANGER, "emails": [{"value": STRANGER, "primary": True}]}
    team = group("team-a", "ada", "bob", "cleo", "dan")
    return {
        "users": [
            user("ada", title="Engineer"),
            *(user(name) for name in ("bob", "cleo", "dan", "eve")),
            user("fay", active=False),
            *(user(name) for name in ("gus", "hal")),
            user("ian", title="Gone"),
            *(user(name) for name in ("joy", "kim", "lou")),
            stranger,
        ],
        "groups": [
            team | {"members": [*team["members"], STRANGER]},
            group("team-b", "ian", "kim", "lou"),
            group("team-old", "hal", "joy"),
            group("team-gone", "ada"),
        ],
    }


UNDETECTABLE = (
    # As many rows as there are, all of them different: only the one that was left out could tell.
    ShiftingPages(change="swap"),
    # Whoever is not there needs not be deactivated.
    Reply(status=404),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What goes wrong in one run of the campaign, and in how many runs of the tool.

    ``page`` is how many resources a page has at most, ``timeout`` the seconds that the tool waits for a byte.
    """

    name: str
    rules: tuple[FaultRule, ...]
    seed: int = 0
    dialect: str = "generic"
    unlisted: str = "deactivate"
    page: int = 5
    faulty_runs: int = 1
    timeout: float = 10.0

    @property
    def can_be_seen_through(self) -> bool:
        """Whether the tool has a way to find out that it is being lied to."""
        return not any(rule.fault in UNDETECTABLE for rule in self.rules)


@dataclass
class Tally:
    """What the campaign has seen."""

    cases: int = 0
    runs: int = 0
    requests: int = 0
    injected: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    healthy_runs: Counter[int] = field(default_factory=Counter)

    def __str__(self) -> str:
        def listed(counter: Counter[Any]) -> str:
            return ", ".join(f"{name} {count}" for name, count in sorted(counter.items(), key=str)) or "none"

        return (
            f"fault campaign: {self.cases} cases, {self.runs} runs, {self.requests} requests, "
            f"{self.injected.total()} faults\n"
            f"  faults: {listed(self.injected)}\n"
            f"  runs that ended in an error: {listed(self.refusals)}\n"
            f"  healthy runs needed: {listed(self.healthy_runs)}"
        )


@dataclass(frozen=True)
class Held:
    """What a directory holds: by name, and by id."""

    users: dict[str, dict[str, Any]]
    groups: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, sandbox: Sandbox) -> Held:
        content = dump(sandbox.directory)
        names = [user["userName"] for user in content["users"]]
        titles = [group["displayName"] for group in content["groups"]]
        assert len(set(names)) == len(names), f"a user was made twice: {names}"
        assert len(set(titles)) == len(titles), f"a group was made twice: {titles}"
        external = [user["externalId"] for user in content["users"] if "externalId" in user]
        assert len(set(external)) == len(external), f"an externalId was given twice: {external}"
        return cls(dict(zip(names, content["users"], strict=True)), dict(zip(titles, content["groups"], strict=True)))

    def members(self, group: str) -> set[str]:
        """The userNames in a group, each of them once."""
        ids = self.groups[group]["members"]
        assert len(set(ids)) == len(ids), f"somebody is in {group} twice"
        names = {user["id"]: name for name, user in self.users.items()}
        return {names.get(member, member) for member in ids}


class Witness(Stateless):
    """No fault at all: it stands right before the directory and keeps who was really taken out of a group, and by what.

    Attributes:
        lost: the group, the member, and the request that did it.
    """

    def __init__(self) -> None:
        self.lost: list[tuple[str, str, Incoming]] = []

    async def __call__(self, turn: Turn) -> Answer:
        request = turn.request
        if request.method not in ("PUT", "PATCH") or not request.path.startswith("/Groups/"):
            return await turn.forward(request)
        before = await self._members(turn)
        answer = await turn.forward(request)
        gone = before - await self._members(turn)
        self.lost += [(request.path.removeprefix("/Groups/"), member, request) for member in gone]
        return answer

    async def _members(self, turn: Turn) -> set[str]:
        group = (await turn.forward(turn.request.reading(turn.request.path))).json()
        return {member["value"] for member in group.get("members", ())}


class Oath:
    """What must never happen to one directory, whatever goes wrong: made before anything did."""

    def __init__(self, before: Held, case: Case) -> None:
        self.witness = Witness()
        self._users = {user["id"]: name for name, user in before.users.items()}
        leavers = {before.users[name]["id"] for name in LEAVERS} if case.unlisted == "delete" else set()
        old = {before.groups["team-old"]["id"]} if case.dialect == "atlassian" else set()
        self._may_go = {before.groups["team-gone"]["id"], *old, *leavers}
        self._must_stay = {
            resource["id"] for resource in (*before.users.values(), *before.groups.values())
        } - self._may_go
        ids = {name: user["id"] for name, user in before.users.items()}
        names = {"team-a": "team-a", "team-b": "team-b", "team-old": "team-new"}
        renamed = {"cleo@example.com": "cleo.new@example.com"}
        self._edges = {
            (before.groups[old_name]["id"], ids[member])
            for old_name, new_name in names.items()
            for member in before.members(old_name)
            if renamed.get(member, member) in MEMBERS[new_name]
        }
        # Whoever a YAML file lists as active and was active stays so; so does whoever is none of ours.
        self._active = {
            user["id"] for name, user in before.users.items() if user["active"] and renamed.get(name, name) in ACTIVE
        }

    def check_state(self, held: Held) -> None:
        """Nobody is gone, has lost a membership, or was shut out, whom the YAML keeps."""
        resources = {each["id"]: each for each in (*held.users.values(), *held.groups.values())}
        assert self._must_stay <= resources.keys(), f"deleted: {self._named(self._must_stay - resources.keys())}"
        for group, member in self._edges:
            if group in resources:
                assert member in resources[group]["members"], f"{self._named([member])} lost {group}"
        shut_out = [user for user in self._active if not resources[user]["active"]]
        assert not shut_out, f"deactivated: {self._named(shut_out)}"

    def check_losses(self, held: Held) -> None:
        """Nobody was taken out of a group, not even for a moment, whom the YAML wants to be in it."""
        names = {user["id"]: name for name, user in held.users.items()}
        groups = {group["id"]: name for name, group in held.groups.items()}
        for group, member, request in self.witness.lost:
            name = groups.get(group, "")
            wanted = MEMBERS.get("team-new" if name == "team-old" else name, set())
            assert names.get(member) not in wanted, f"{names[member]} was taken out of {name} by {request}"

    def check_requests(self, requests: Sequence[RecordedRequest]) -> None:
        """Nobody has even been asked to do any of this."""
        for request in requests:
            kind, _, resource_id = request.path.rpartition("/scim/")[2].rpartition("/")
            if request.method == "DELETE":
                assert resource_id in self._may_go or resource_id.startswith(GONE), f"asked to delete {request.path}"
            if request.method in ("PATCH", "PUT") and kind.endswith("Groups"):
                kept = {member for group, member in self._edges if group == resource_id}
                taken = kept - _left(request, kept)
                assert not taken, f"asked to take {self._named(taken)} out of {request.path}: {request.body!r}"

    def _named(self, ids: Any) -> list[str]:
        return sorted(self._users.get(each, each) for each in ids)


def _left(request: RecordedRequest, members: set[str]) -> set[str]:
    """Return who of the members of a group, by id, is still one when a write of it has been carried out."""
    body = request.json()
    if request.method == "PUT":
        return members & {each["value"] for each in body.get("members", ())}
    for operation in body["Operations"]:
        verb, path, value = operation["op"].lower(), operation.get("path") or "", operation.get("value")
        if isinstance(value, dict) and "members" in value:
            path, value = "members", value["members"]
        if verb == "replace" and path == "members":
            members = members & {each["value"] for each in value}
        elif verb == "remove" and path.startswith("members"):
            # One by one; or in the form of a value, which a server that misreads it takes for everybody.
            named = re.fullmatch(r'members\[value eq "([^"]+)"\]', path)
            assert named or value, f"a removal that names nobody: {operation}"
            members = members - ({named[1]} if named else {each["value"] for each in value})
    return members


def check_wanted(held: Held, case: Case) -> None:
    """The directory holds exactly what the YAML states, looked at without the planner."""
    listed = {*ACTIVE, INACTIVE}
    kept = set(LEAVERS) if case.unlisted == "deactivate" else set()
    assert set(held.users) == listed | kept
    assert {name for name, user in held.users.items() if user["active"]} == ACTIVE
    for name, title in TITLES.items():
        assert held.users[name]["title"] == title
    assert "title" not in held.users["ian@example.com"]
    assert held.users["hal@example.com"]["name"]["givenName"] == "Hal"
    assert set(held.groups) == set(MEMBERS)
    for group, members in MEMBERS.items():
        assert held.members(group) == members


def survive(case: Case, folder: Path, tally: Tally) -> None:
    """Run the tool under a fault, then without, and check after every run that nothing is harmed.

    Raises:
        AssertionError: it harmed somebody, did not converge in two healthy runs, or said that it had and had not.
    """
    rules = replace(behaviour(case.dialect), page_limit=case.page)
    sandbox = Sandbox(rules, seed=seed(), record=True)
    try:
        oath = Oath(Held.of(sandbox), case)
        sandbox.use_faults([*case.rules, FaultRule(fault=oath.witness)], seed=case.seed)
        scenario = workspace(folder, sandbox, case)
        for _ in range(case.faulty_runs):
            try:
                complete = scenario.apply().complete
            except ReconcilerError as error:
                tally.refusals[type(error).__name__] += 1
                complete = False
            check_harmless(sandbox, oath)
            if complete and case.can_be_seen_through:
                check_wanted(Held.of(sandbox), case)
        injected = {count.name: count.injected for count in sandbox.fault_counts if count.injected}
        tally.injected.update(injected)
        tally.runs += case.faulty_runs
        assert case.name.startswith(MIXTURE) or injected, "nothing happened"
        sandbox.use_faults([FaultRule(fault=oath.witness)])
        healthy = converge(scenario, sandbox, oath, case)
        tally.healthy_runs[healthy] += 1
        tally.runs += healthy
        tally.cases += 1
        tally.requests += sandbox.request_count
    finally:
        # Stopping waits for what is in flight, of which there is nothing; the next case need not wait for it.
        threading.Thread(target=sandbox.stop).start()


def workspace(folder: Path, sandbox: Sandbox, case: Case) -> Scenario:
    """Write the workspace of a case."""
    scenario = Scenario(
        folder,
        sandbox.base_url,
        sandbox.token,
        dialect=case.dialect,
        timeout=case.timeout,
        unlisted=(case.unlisted, "delete"),
        retry=PATIENT,
        settling=(0.005, 0.01),
    ).write(YAML)
    config = folder / "directory.yaml"
    config.write_text(config.read_text() + "scope: {users: 'userName ew \"@example.com\"'}\n")
    return scenario


def check_harmless(sandbox: Sandbox, oath: Oath) -> None:
    """Check what the directory holds, and what it was asked so far."""
    held = Held.of(sandbox)
    oath.check_state(held)
    oath.check_losses(held)
    oath.check_requests(sandbox.requests)


def converge(scenario: Scenario, sandbox: Sandbox, oath: Oath, case: Case) -> int:
    """Return how many healthy runs it takes until nothing is left to do; none if the faulty ones did it all."""
    left = scenario.plan().steps
    runs = 0
    while left:
        assert runs < HEALTHY_RUNS, f"not converged after {runs} healthy runs: {[step.id for step in left]}"
        scenario.apply()
        runs += 1
        check_harmless(sandbox, oath)
        left = scenario.plan().steps
    check_wanted(Held.of(sandbox), case)
    return runs
