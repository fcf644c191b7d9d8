"""What is tried on an odd server: two stages of a workspace, run after run, and what must hold after each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memory_journal import MemoryJournal
from odd_server import OddServer
from odd_server_quirks import Quirks
from odd_server_records import Row
from reconciler.applying import RunResult, apply_plan
from reconciler.applying.outcome import Status
from reconciler.desired import load
from reconciler.diagnostics import Diagnostic, ReconcilerError, Severity
from reconciler.live import Wanted, read_live
from reconciler.model import History, Observation
from reconciler.planning import Plan, plan
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import load_dialect
from reconciler.scim.retry import RetryPolicy
from reconciler.store.observing import learned
from scenario import AS_OF, DIRECTORY

MOST_RUNS = 3
STRANGER = "robot@elsewhere.example"
INTRUDER = "n10@example.com"
_PATIENT = RetryPolicy(attempts=4, base_delay=0.001, max_delay=0.003)
_CROWD = 60
"""Users more where a page could be too short for all."""


def name_of(number: int) -> str:
    return f"{'n' if number >= 10 else 'u'}{number:02}@example.com"


def person(number: int, **changes: Any) -> Row:
    name = name_of(number)
    return {
        "userName": name,
        "externalId": f"hr-{number}",
        "name": {"givenName": f"Given {number}", "familyName": "Example"},
        "emails": [{"value": name, "type": "work", "primary": True}],
        "active": True,
        **changes,
    }


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What the files state.

    Attributes:
        users: by number, as they are written.
        groups: by displayName: who is in them; and by which names they were known.
        unlisted: what becomes of users that are not listed.
        deletes: userNames and displayNames of what may be deleted.
    """

    users: Mapping[int, Row]
    groups: Mapping[str, tuple[str, ...]]
    unlisted: str
    deletes: frozenset[str]
    previously: Mapping[str, str] = field(default_factory=dict)

    @property
    def members(self) -> dict[str, set[str]]:
        return {name: {key(member) for member in members} for name, members in self.groups.items()}

    def write(self, folder: Path) -> None:
        directory = DIRECTORY.format(dialect="generic", users=self.unlisted, groups="delete", chunk_size=200)
        directory += "scope: {users: 'userName ew \"@example.com\"'}\n"
        (folder / "directory.yaml").write_text(directory, encoding="utf-8")
        groups = [
            {"displayName": name, "members": list(members)}
            | ({"lifecycle": {"previously": [self.previously[name]]}} if name in self.previously else {})
            for name, members in self.groups.items()
        ]
        # JSON is YAML, and takes no time to write.
        text = json.dumps({"users": list(self.users.values()), "groups": groups}, indent=0)
        (folder / "resources.yaml").write_text(text, encoding="utf-8")


RENAMED = "Renamed@example.com"


def key(name: str) -> str:
    """Who a userName means, whatever it is at the moment: renaming may fail, and letters may be lowered."""
    return name_of(2) if name.lower() == RENAMED.lower() else name.lower()


def stages(crowd: int) -> Iterator[Stage]:
    many = {100 + number: person(100 + number) for number in range(crowd)}
    renamed = {"userName": RENAMED, "lifecycle": {"previously": [name_of(2)]}}
    users = {number: person(number) for number in range(12)} | many
    users[0] |= {"title": "Principal"}
    users[1] |= {"displayName": "One", "nickName": "Uno"}
    users[2] |= renamed
    users[3] |= {"emails": [name_of(3), {"value": "three@example.org", "type": "home"}]}
    users[4] |= {"department": "Platform"}
    users[6] |= {"active": False}
    u = {number: row["userName"] for number, row in users.items()}
    yield Stage(
        users=users,
        groups={
            "team-a": (u[0], u[1], u[2], u[8], u[10], u[11]),
            "team-bee": (u[5], u[9]),
            "team-new": (u[0], u[10]),
        },
        unlisted="deactivate",
        deletes=frozenset({"team-gone"}),
        previously={"team-bee": "team-b"},
    )
    users = {number: row for number, row in users.items() if number != 11}
    users[0] = person(0, title=None)
    users[6] = person(6)
    users[7] = person(7, active=False)
    yield Stage(
        users=users,
        groups={"team-a": (u[1], u[2], u[3], u[4], u[10]), "team-bee": (u[5], u[6]), "team-new": ()},
        unlisted="delete",
        deletes=frozenset({"leaver@example.com", name_of(11), "team-gone"}),
        previously={"team-bee": "team-b"},
    )


def furnish(server: OddServer, crowd: int) -> None:
    """Put in what is there before the first run."""
    records = server.records
    people = [person(number) for number in (*range(10), *(100 + number for number in range(crowd)))]
    people[5]["active"] = False
    people[0]["title"] = "Engineer"
    people += [person(90, userName="leaver@example.com"), person(91, userName=STRANGER)]
    ids = {row["userName"]: records.create("Users", row) for row in people}
    u = [ids[name_of(number)] for number in range(10)]
    leaver, stranger = ids["leaver@example.com"], ids[STRANGER]
    members = {
        "team-a": [*u[:5], leaver, stranger],
        "team-b": [u[5], u[6], u[7]],
        "team-gone": [u[0], u[9]],
    }
    for name, inside in members.items():
        group_id = records.create("Groups", {"displayName": name, "members": [_named(server, one) for one in inside]})
        records.groups[group_id]["members"] = list(inside)


def _named(server: OddServer, user_id: str) -> Row:
    by_name = server.quirks.member_names == "userName"
    return {"value": server.records.users[user_id]["userName"] if by_name else user_id}


@dataclass(kw_only=True)
class Told:
    """How one stage ended.

    Attributes:
        runs: how many times it was planned, and applied where there was something to apply.
        refusal: the error that ended the last run, if one did.
        left: the steps of the last plan.
        wrong: by step, what was said of each that was not applied, in the last run.
        notes: the warnings of the last plan, by code.
    """

    runs: int = 0
    refusal: str | None = None
    left: tuple[str, ...] = ()
    wrong: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def converged(self) -> bool:
        return self.refusal is None and not self.left

    def __str__(self) -> str:
        if self.refusal:
            return f"refused: {self.refusal}"
        parts = [f"{step}: {what}" for step, what in self.wrong.items()] + list(self.notes.values())
        return f"{'converged' if self.converged else f'left {self.left}'} after {self.runs}; " + "; ".join(parts)

    @property
    def unexplained(self) -> list[str]:
        """The steps that are planned again although nothing was said against them: a repetition without end."""
        if self.refusal is not None:
            return []
        # Who is planned to be created, and is not seen, is planned to be added as well.
        unseen = any(step.startswith("create user:") and step in self.wrong for step in self.left)
        additions = ("add_members",) if unseen or "members-unknown" in self.notes else ()
        return [step for step in self.left if step not in self.wrong and not step.startswith(additions)]


class Story:
    """The two stages on one server.

    Attributes:
        told: how each ended.
    """

    def __init__(self, server: OddServer, folder: Path) -> None:
        self.server = server
        self.told: list[Told] = []
        self._folder = folder
        self._memory: list[Observation] = []
        quirks = server.quirks
        self._crowd = _CROWD if (quirks.paging, quirks.total) != ("index", "all") else 0
        self._settling = (0.02, 0.08) if quirks.reads == "late" else (0.001,)
        furnish(server, self._crowd)
        self._ids = {key(row["userName"]): user_id for user_id, row in server.records.users.items()}

    def run(self) -> list[Told]:
        async def whole() -> None:
            async with ScimClient(self.server.url, "token", retry=_PATIENT, timeout=5) as client:
                for number, stage in enumerate(stages(self._crowd)):
                    self.told.append(await self._stage(client, stage, intrude=number == 0))

        asyncio.run(whole())
        return self.told

    async def _stage(self, client: ScimClient, stage: Stage, *, intrude: bool) -> Told:
        stage.write(self._folder)
        self._desired = load(self._folder).desired
        told = Told()
        for _ in range(MOST_RUNS):
            told.runs += 1
            edges, active = self._edges(), self._active()
            self.server.records.lost.clear()
            try:
                planned = await self._look(client, told)
                if not planned.steps:
                    told.runs -= 1
                    return self._settled(told, stage)
                if intrude and told.runs == 1:
                    self._intrude()
                result = await self._apply(client, planned)
            except ReconcilerError as error:
                told.refusal = str(error)
                self.check_harmless(stage, edges, active)
                return told
            before = told.wrong
            told.wrong = {
                one.step.id: f"{one.status}: {one.message}"
                for one in result.outcomes
                if one.status is not Status.APPLIED or one.message
            }
            if result.stopped:
                told.wrong["run"] = result.stopped
            self.check_harmless(stage, edges, active)
            if told.wrong == before and set(told.left) == set(told.wrong):
                break  # a third time would not be different
        await self._look(client, told)
        return self._settled(told, stage)

    def _settled(self, told: Told, stage: Stage) -> Told:
        if told.converged:
            self.check_wanted(stage)
        return told

    async def _look(self, client: ScimClient, told: Told) -> Plan:
        """Plan, and keep what is told of it."""
        planned, notes = await self._plan(client)
        told.left = tuple(step.id for step in planned.steps)
        told.notes = {note.code: note.message for note in planned.notes if note.severity == "warning"}
        told.notes |= {note.code: note.message for note in notes if note.severity is Severity.WARNING}
        return planned

    async def _plan(self, client: ScimClient) -> tuple[Plan, list[Diagnostic]]:
        desired, notes = self._desired, list[Diagnostic]()
        wanted = Wanted.of(desired)
        self._live = await read_live(client, load_dialect("generic"), wanted=wanted, on_note=notes.append)
        history = History(observations=tuple(self._memory))
        return plan(desired, self._live, as_of=AS_OF, history=history), notes

    async def _apply(self, client: ScimClient, planned: Plan) -> RunResult:
        result = await apply_plan(
            planned,
            client,
            schemas=self._live.schemas,
            capabilities=self._live.capabilities,
            journal=MemoryJournal(),
            settling=self._settling,
        )
        self._memory.extend(learned(result.outcomes))
        return result

    def _intrude(self) -> None:
        """Make, after the plan was made, a user that it creates: where duplicates are answered oddly."""
        if self.server.quirks.duplicate != "409":
            self.server.records.create("Users", person(10, externalId="hr-10", title="Intruder"))

    # Looking from behind.

    def _edges(self) -> set[tuple[str, str]]:
        records = self.server.records
        return {(group_id, one) for group_id, group in records.groups.items() for one in group["members"]}

    def _active(self) -> set[str]:
        return {user_id for user_id, row in self.server.records.users.items() if row["active"]}

    def check_harmless(self, stage: Stage, edges: set[tuple[str, str]], active: set[str]) -> None:
        """Nobody is gone, out of a group, shut out or there twice whom the files keep."""
        records = self.server.records
        names = {user_id: key(row["userName"]) for user_id, row in records.users.items()}
        groups = {group_id: _group(row["displayName"]) for group_id, row in records.groups.items()}
        external = [row["externalId"] for row in records.users.values() if "externalId" in row]
        assert len(set(external)) == len(external), f"an externalId was given twice: {external}"
        gone = {name for name, user_id in self._ids.items() if user_id not in records.users}
        assert gone <= stage.deletes, f"deleted: {gone - stage.deletes}"
        missing = {"team-a", "team-bee"} - set(groups.values())
        assert not missing, f"deleted: {missing}"
        wanted = {_group(name): {*members, STRANGER} for name, members in stage.members.items()}
        for group_id, member in edges:
            keeps = group_id in groups and member in names and names[member] in wanted.get(groups[group_id], ())
            inside = not keeps or member in records.groups[group_id]["members"]
            assert inside, f"{names.get(member)} lost {groups.get(group_id)}"
        canaries = {
            group for group, one in records.lost if group in groups and names.get(one) in wanted.get(groups[group], ())
        }
        # At most two forms, one with a list and one with an object, misread what they are given.
        assert len(canaries) <= 2, f"others left {[groups[each] for each in canaries]}"
        for group in records.groups.values():
            assert len(set(group["members"])) == len(group["members"]), f"twice in {group['displayName']}"
        works = {key(row["userName"]) for row in stage.users.values() if row["active"]} | {STRANGER}
        shut_out = [names[one] for one in active if names.get(one) in works and not records.users[one]["active"]]
        assert not shut_out, f"deactivated: {shut_out}"

    def check_wanted(self, stage: Stage) -> None:
        """The directory holds the accounts and the memberships that the files state."""
        records = self.server.records
        names = {user_id: key(row["userName"]) for user_id, row in records.users.items()}
        members = {
            _group(row["displayName"]): {names.get(one, one) for one in row["members"]}
            - {STRANGER, *self._dangling(row)}
            for row in records.groups.values()
        }
        assert members == {_group(name): inside for name, inside in stage.members.items()}
        active = {key(row["userName"]) for row in records.users.values() if row["active"]} - {STRANGER}
        assert active == {key(row["userName"]) for row in stage.users.values() if row["active"]}
        assert any(row["userName"] == STRANGER for row in records.users.values())

    def _dangling(self, group: Row) -> set[str]:
        return {one for one in group["members"] if one not in self.server.records.users}


def _group(name: str) -> str:
    """Which group a displayName means: renaming may fail."""
    return "team-bee" if name == "team-b" else name


def tell(quirks: Quirks, folder: Path, *, seed: int = 0) -> list[Told]:
    """Run the story on a server of these oddities, and return how its stages ended."""
    with OddServer(quirks, seed=seed).running() as server:
        return Story(server, folder).run()
