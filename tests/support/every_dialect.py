"""One scenario for the embedded directory in any dialect, stage by stage, looked at from behind its HTTP.

Every stage states something else and applies it. What must come true, and what must never happen, is told from what the
directory holds, not from what it answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.applying.outcome import Status
from reconciler.attributes import ENTERPRISE_USER
from reconciler.capabilities import Capabilities
from reconciler.diagnostics import ReconcilerError
from reconciler.sandbox.behaviour.definition import UserDelete
from reconciler.sandbox.seed import dump
from reconciler.sandbox.server import Sandbox
from thoroughness import cases
from whole_way import HARD_NAMES, Row, Workspace

COUNT = cases(11, thorough=25)
STRANGER = "robot@elsewhere.example"
OURS = 'userName ew "@example.com"'
EVERYBODY, QUOTED, HARD, EMPTY = "everybody", 'team "quoted" \\ ünïcode', "team-hard", "team-empty"
SEED: Mapping[str, Any] = {
    "users": [
        {
            "userName": STRANGER,
            "externalId": "robot",
            "name": {"givenName": "Robot", "familyName": "Elsewhere"},
            "displayName": "Robot",
            "emails": [{"value": STRANGER, "type": "work", "primary": True}],
            "active": True,
        }
    ]
}
"""Somebody whom no file speaks of."""
GROUP_OF_STRANGER: Mapping[str, Any] = {"groups": [{"displayName": EVERYBODY, "members": [STRANGER]}]}
"""A group that the files will take over, in which somebody is who is not theirs."""
_MOVERS = range(8)


class Edge(NamedTuple):
    """Who is in which group, both by externalId."""

    group: str
    person: str


@dataclass
class Stage:
    """What the files state: users, and groups with the numbers of their members, both by externalId.

    Attributes:
        unlisted: what becomes of users and of groups that are not listed.
    """

    name: str
    people: dict[str, Row]
    groups: dict[str, tuple[str, frozenset[int]]]
    unlisted: tuple[str, str] = ("deactivate", "delete")
    previously: Mapping[str, str] = field(default_factory=dict)

    @property
    def group_rows(self) -> list[Row]:
        """The groups as files list them."""
        rows = []
        for external_id, (name, members) in self.groups.items():
            names = [self.people[f"hr-{number}"]["userName"] for number in sorted(members)]
            row: Row = {"displayName": name, "externalId": external_id, "members": names}
            if external_id in self.previously:
                row["lifecycle"] = {"previously": [self.previously[external_id]]}
            rows.append(row)
        return rows

    @property
    def edges(self) -> frozenset[Edge]:
        return frozenset(Edge(group, f"hr-{one}") for group, (_, members) in self.groups.items() for one in members)

    @property
    def active(self) -> frozenset[str]:
        return frozenset(external_id for external_id, row in self.people.items() if row["active"])


def person(number: int, **changes: Any) -> Row:
    """A user with an attribute of every type."""
    name = HARD_NAMES[number] if number < len(HARD_NAMES) else f"user{number:02}"
    return {
        "userName": f"{name}@example.com",
        "externalId": f"hr-{number}",
        "name": {"givenName": f"Gíven {number} 🐘", "familyName": f'O"Neil \\ {number}'},
        "displayName": f'User "{number}" \\ Example',
        "nickName": f"Nick {number}",
        "title": "Engineer",
        "profileUrl": f"https://people.example.com/{number}",
        "timezone": "Europe/Berlin",
        "active": number not in (3, 10, 17),
        "emails": [f"mail{number}@example.com", {"value": f"mail{number}@example.org", "type": "home"}],
        "phoneNumbers": [{"value": f"+49-30-{number:06}", "type": "work"}],
        "addresses": [{"locality": "Ulm", "country": "DE", "type": "work"}],
        "department": "Platform" if number % 2 else "Sales",
        "employeeNumber": f"{number:05}",
        "manager": {"value": f"boss-{number % 3}"},
        **changes,
    }


def changed(number: int, **changes: Any) -> Row:
    """The same user with another value of everything, some of it unset."""
    return person(
        number,
        **{
            "name": {"givenName": f"Changed {number}", "familyName": f"Nummer {number} äöü"},
            "displayName": f"Changed {number}",
            "nickName": None if number % 2 else "Nicky",
            "title": None if number % 3 else "Principal Engineer",
            "profileUrl": f"https://people.example.org/{number}",
            "timezone": "America/New_York",
            "active": number not in (4, 11),
            "emails": [f"changed{number}@example.org", {"value": f"mail{number}@example.com", "type": "home"}],
            "phoneNumbers": [] if number % 2 else [{"value": "+1-555-0100", "type": "mobile"}],
            "addresses": [{"locality": "Bonn", "country": "DE", "type": "home"}],
            "department": None if number % 5 == 0 else 'Research & "Development" \\ 研究',
            "employeeNumber": f"9{number:04}",
            "manager": {"value": "boss-9"},
            **changes,
        },
    )


def stages(*, groups: bool = True, by_name: bool = False, count: int = COUNT) -> Iterator[Stage]:
    """Yield what the files state, stage by stage.

    Args:
        groups: whether the directory has any.
        by_name: whether it has no listing. Nobody is missed there: who leaves has to be stated.
        count: how many users; 10 at least.
    """
    everybody = frozenset(range(count))
    odd = frozenset(range(1, count, 2))
    leavers, movers = frozenset(range(count * 3 // 4, count)), frozenset(_MOVERS)

    def stage(name: str, people: Mapping[int, Row], teams: Mapping[str, frozenset[int]], **settings: Any) -> Stage:
        listed = {f"hr-{number}": row for number, row in people.items()}
        named = {f"g-{number}": team for number, team in enumerate(teams.items())} if groups else {}
        return Stage(name, listed, named, **settings)

    hard = frozenset(range(len(HARD_NAMES)))
    before = {EVERYBODY: everybody, QUOTED: everybody - odd, HARD: hard, EMPTY: frozenset[int]()}
    yield stage("create", {number: person(number) for number in everybody}, before)

    renamed = {number: changed(number) for number in everybody}
    for number in movers:
        before_that = renamed[number]["userName"]
        renamed[number] |= {
            "userName": f'new {number} "\\ ñ@example.com',
            "lifecycle": {"previously": [before_that]},
        }
    new_name = 'Everybody "\\ ñ'
    teams = {new_name: everybody - movers, QUOTED: odd, "Team Hard": frozenset[int](), EMPTY: everybody}
    old_names = {"g-0": EVERYBODY, "g-2": HARD}
    yield stage("change", renamed, teams, previously=old_names)

    working = {number: {**row, "active": True} for number, row in renamed.items()}
    gone = {number: {**working[number], "active": False} for number in leavers} if by_name else {}
    stay = {number: working[number] for number in everybody - leavers} | gone
    left = {name: members - leavers for name, members in teams.items()}
    yield stage("leave", stay, left, previously=old_names)
    yield stage("return", working, teams, previously=old_names)
    few = {number: working[number] for number in range(3)}
    yield stage("delete", few, {}, unlisted=("delete", "delete"))


@dataclass(frozen=True)
class Held:
    """What the directory holds, behind its HTTP: users by externalId, groups, and who is in them."""

    users: dict[str, Row]
    groups: dict[str, set[str]]
    edges: frozenset[Edge]

    @classmethod
    def of(cls, sandbox: Sandbox) -> Held:
        content = dump(sandbox.directory)
        users = {row["externalId"]: row for row in content["users"]}
        assert len(users) == len(content["users"]), "somebody was made twice"
        people = {row["id"]: external_id for external_id, row in users.items()}
        edges, groups = set(), dict[str, set[str]]()
        for group in content["groups"]:
            assert group["displayName"] not in groups, f"{group['displayName']} was made twice"
            groups[group["displayName"]] = {people[one] for one in group["members"]}
            edges |= {Edge(group.get("externalId", ""), people[one]) for one in group["members"]}
        return cls(users, groups, frozenset(edges))

    @property
    def active(self) -> frozenset[str]:
        return frozenset(external_id for external_id, row in self.users.items() if row["active"])


def check_harmless(before: Held, after: Held, stage: Stage) -> None:
    """Nobody whom the files keep, and nobody whom they do not speak of, has lost anything."""
    assert after.users["robot"] == before.users["robot"]
    stay = before.users.keys() & (before.users.keys() if stage.unlisted[0] == "deactivate" else stage.people.keys())
    lost = {one for one in stay if after.users.get(one, {}).get("id") != before.users[one]["id"]}
    assert not lost, f"{stage.name}: deleted {sorted(lost)}"
    shut_out = before.active & stage.active - after.active
    assert not shut_out, f"{stage.name}: shut out {sorted(shut_out)}"
    taken = before.edges & stage.edges - after.edges
    assert not taken, f"{stage.name}: lost memberships {sorted(taken)}"
    with_robot = [name for name, members in before.groups.items() if "robot" in members]
    if with_robot and stage.groups:
        assert any("robot" in members for members in after.groups.values()), f"{stage.name}: the robot is put out"


def check_wanted(after: Held, stage: Stage, delete: UserDelete, *, by_name: bool, adapted: Mapping[str, Row]) -> None:
    """The directory holds what the files state."""
    ours = after.users.keys() - {"robot"}
    kept = by_name and stage.name == "delete"
    assert after.active - {"robot"} == (ours if kept else stage.active)
    assert {one: after.users[one]["userName"] for one in stage.people} == {
        one: row["userName"] for one, row in adapted.items()
    }
    for one, row in adapted.items():
        assert after.users[one]["name"] == row["name"], one
        assert after.users[one].get("title") == row["title"], one
        assert [each["value"] for each in after.users[one]["emails"]] == [
            each if isinstance(each, str) else each["value"] for each in row["emails"]
        ], one
        extension = after.users[one].get(ENTERPRISE_USER, {})
        assert extension.get("department", after.users[one].get("department")) == row["department"], one
    if stage.name == "delete" and not by_name:
        assert delete is UserDelete.SOFT or ours == stage.people.keys()
    if not by_name or stage.groups:
        members = {name: {f"hr-{one}" for one in inside} for name, inside in stage.groups.values()}
        assert {name: inside - {"robot"} for name, inside in after.groups.items()} == members


@dataclass(frozen=True)
class Done:
    """How a stage ended.

    Attributes:
        refusal: the error that ended it, if one did.
        failed: by step, why it was not applied.
        not_kept: attributes that the directory stored otherwise.
        left: the steps that are planned once more.
        told: the messages of the last plan's notes, by code.
        capabilities: what the directory can do, as it was read last.
    """

    refusal: str | None = None
    failed: dict[str, str] = field(default_factory=dict)
    not_kept: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()
    told: dict[str, list[str]] = field(default_factory=dict)
    capabilities: Capabilities = field(default_factory=Capabilities)

    @property
    def converged(self) -> bool:
        return self.refusal is None and not self.failed and not self.left


def apply(workspace: Workspace, stage: Stage) -> Done:
    """State a stage, apply it, and plan again."""
    workspace.unlisted = stage.unlisted
    workspace.state(list(stage.people.values()), stage.group_rows)
    try:
        result = workspace.apply()
        live = workspace.live()
        again = workspace.plan(live)
    except ReconcilerError as refusal:
        return Done(refusal=str(refusal))
    failed = {
        outcome.step.id: f"{outcome.status}: {outcome.message}"
        for outcome in result.outcomes
        if outcome.status is not Status.APPLIED and not outcome.differences
    }
    told: dict[str, list[str]] = {}
    for note in again.notes:
        told.setdefault(note.code, []).append(note.message)
    return Done(
        failed=failed,
        not_kept=frozenset(one.path for outcome in result.outcomes for one in outcome.differences),
        left=tuple(step.id for step in again.steps),
        told=told,
        capabilities=live.capabilities,
    )
