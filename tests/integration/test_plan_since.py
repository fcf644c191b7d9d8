"""A plan of what the files changed, against real servers: it is the plan of everything, for a few requests."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import reconciler
from command_line import environment
from desired_and_live import AS_OF, step_ids
from reconciler.desired.revision import Earlier
from reconciler.diagnostics import Diagnostic
from reconciler.model import Kind, Live
from reconciler.planning import Action, Plan
from reconciler.planning.touched import Touched
from reconciler.sandbox.behaviour import behaviour, dialects
from reconciler.sandbox.behaviour.definition import Listing, MembersShown, UnknownFilter
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving

DIRECTORY = """\
directory:
  name: acme
  dialect: {dialect}
  base_url: ${{SCIM_BASE_URL}}
  token: {{env: SCIM_TOKEN}}
  capabilities: {{rates: []{capabilities}}}
unlisted: {{users: deactivate, groups: delete}}
"""
PLATFORM = 'department eq "Platform"'
State = dict[str, Any]


def person(name: str, **stated: Any) -> State:
    return {
        "userName": f"{name}@example.com",
        "externalId": f"E-{name}",
        "name": {"givenName": name, "familyName": "Example"},
        "displayName": name,
        "emails": [f"{name}@example.com"],
        **stated,
    }


def team(name: str, *members: str, **stated: Any) -> State:
    return {"displayName": f"team-{name}", "members": [f"{member}@example.com" for member in members], **stated}


NAMES = ("ada", "bob", "cyd", "dan", "eve", "fay", "gil", "hal")
BEFORE: State = {
    "users": [person(name, department="Platform" if name in ("ada", "bob") else "Sales") for name in NAMES],
    "groups": [
        team("core", "ada", "bob"),
        {"displayName": "team-all", "members": ["gil@example.com", {"group": "team-core"}]},
        {"displayName": "team-platform", "match": PLATFORM},
        team("old", "dan", "eve"),
        team("quiet", "hal"),
    ],
}


def after() -> State:
    """One leaves, one comes, one changes department, one joins a group that is in another, and a group goes."""
    users = [person(name, department="Platform" if name in ("ada", "bob", "cyd") else "Sales") for name in NAMES[:-2]]
    return {
        "users": [*users, person("hal", department="Sales"), person("ivy", department="Platform")],
        "groups": [
            team("core", "ada", "bob", "ivy"),
            {"displayName": "team-all", "members": [{"group": "team-core"}]},
            {"displayName": "team-platform", "match": PLATFORM},
            team("quiet", "hal"),
        ],
    }


@dataclass
class Case:
    """A workspace for a sandbox, which was applied once."""

    path: Path
    sandbox: Sandbox
    dialect: str
    capabilities: str = ""

    def state(self, state: State) -> reconciler.Loaded:
        directory = DIRECTORY.format(dialect=self.dialect, capabilities=self.capabilities)
        (self.path / "directory.yaml").write_text(directory, encoding="utf-8")
        (self.path / "all.yaml").write_text(yaml.safe_dump(state, sort_keys=False), encoding="utf-8")
        return reconciler.load(self.path)

    @property
    def env(self) -> dict[str, str]:
        return environment(SCIM_BASE_URL=self.sandbox.base_url, SCIM_TOKEN=self.sandbox.token)

    def read(self, loaded: reconciler.Loaded) -> Live:
        wanted = reconciler.Wanted.of(loaded.desired)
        return reconciler.read_live(loaded.desired.config, self.path, wanted=wanted, environ=self.env)

    def whole(self, loaded: reconciler.Loaded) -> Plan:
        return reconciler.plan(loaded.desired, self.read(loaded), as_of=AS_OF)

    def apply(self, loaded: reconciler.Loaded) -> None:
        result = reconciler.apply(self.whole(loaded), loaded.desired.config, self.path, environ=self.env, now=AS_OF)
        assert result.complete, [outcome.message for outcome in result.outcomes]

    def read_since(
        self, before: reconciler.Loaded, now: reconciler.Loaded, on_note: Callable[[Diagnostic], None] | None = None
    ) -> tuple[Live, Touched]:
        earlier = Earlier(ref="main", commit="c0ffee", desired=before.desired)
        found = reconciler.read_since(earlier, now.desired, self.path, as_of=AS_OF, environ=self.env, on_note=on_note)
        return found.live, found.touched

    def since(self, before: reconciler.Loaded, now: reconciler.Loaded) -> Plan:
        live, touched = self.read_since(before, now)
        return reconciler.plan(now.desired, live, as_of=AS_OF, since=touched)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Case]]:
    """Open a workspace for a sandbox that differs from its dialect in these rules."""
    with ExitStack() as stack:

        def make(dialect: str = "generic", *, capabilities: str = "", seed: State | None = None, **rules: Any) -> Case:
            sandbox = stack.enter_context(
                leaving(Sandbox(replace(behaviour(dialect), **rules), seed=seed, record=True))
            )
            return Case(tmp_path, sandbox, dialect, capabilities)

        yield make


def essence(made: Plan) -> list[tuple[object, ...]]:
    return [(step.id, step.reason, step.changes, step.members, step.needs, step.precondition) for step in made.steps]


def both(case: Case, before: State, now: State) -> tuple[Plan, Plan]:
    """The plan of everything and the plan of a change, in a directory that was as the files stated before."""
    settled = case.state(before)
    case.apply(settled)
    changed = case.state(now)
    return case.whole(changed), case.since(settled, changed)


@pytest.mark.parametrize("dialect", dialects())
def test_in_every_dialect_it_is_the_plan_of_everything(opened: Callable[..., Case], dialect: str) -> None:
    case = opened(dialect)
    rules = behaviour(dialect)
    states = [state if rules.groups else {"users": state["users"]} for state in (BEFORE, after())]
    whole, since = both(case, *states)
    assert whole.steps
    known = {step.id for step in whole.steps}
    assert [one for one in essence(since) if one[0] in known] == essence(whole)
    # Where there is no listing, the plan of everything cannot know who is listed no more. The change tells.
    surplus = [step_id for step_id in step_ids(since) if step_id not in known]
    partial = any(note.code == "partial" for note in whole.notes)
    assert ("deactivate user:gil@example.com" in surplus) if partial else surplus == []


NO_FILTERS = dict.fromkeys(Kind, ())


@pytest.mark.parametrize(
    ("rules", "capabilities"),
    [
        ({"filters": NO_FILTERS, "unknown_filter": UnknownFilter.REFUSED}, ""),
        ({"filters": NO_FILTERS, "unknown_filter": UnknownFilter.EVERYTHING}, ""),
        ({"filters": NO_FILTERS, "unknown_filter": UnknownFilter.NOTHING}, ""),
        ({"filters": {Kind.USER: ("userName",), Kind.GROUP: ("displayName",)}}, ""),
        (
            {
                "filters": {Kind.USER: ("userName",), Kind.GROUP: ("displayName",)},
                "unknown_filter": UnknownFilter.NOTHING,
            },
            "",
        ),
        ({"filters": NO_FILTERS}, ", user_filters: [], group_filters: []"),
        ({}, ", nested_groups: true"),
        ({"members_shown": MembersShown.READ}, ", members_read: group, nested_groups: true"),
        ({"members_shown": MembersShown.NEVER}, ", members_read: user-groups"),
        ({"listing": Listing.WHOLE}, ", paging: none"),
        ({"unique": {Kind.USER: ("userName",), Kind.GROUP: ("displayName",)}}, ", unique_keys: [Group.displayName]"),
    ],
    ids=[
        "filters refused",
        "filters ignored",
        "filters answered with nobody",
        "externalId refused",
        "externalId answered with nobody",
        "no filters, as stated",
        "groups in groups",
        "groups in groups, read one by one",
        "members told by users",
        "no paging",
        "unique names of groups",
    ],
)
def test_whatever_a_directory_can_be_asked_it_is_the_plan_of_everything(
    opened: Callable[..., Case], rules: State, capabilities: str
) -> None:
    whole, since = both(opened(capabilities=capabilities, **rules), BEFORE, after())
    assert whole.steps
    assert essence(since) == essence(whole)


def spelled_exactly() -> tuple[State, ...]:
    """The schemas of a directory for which names in other letters are other names."""
    documents: list[State] = copy.deepcopy([*map(dict, behaviour("generic").schema_documents)])
    for attribute in (attribute for document in documents for attribute in document["attributes"]):
        if attribute["name"] in ("userName", "displayName"):
            attribute["caseExact"] = True
    return tuple(documents)


def test_a_filter_that_tells_capital_letters_from_small_ones_makes_nobody_look_missing(
    opened: Callable[..., Case],
) -> None:
    """Names are the same in any case for everybody else: a step that creates her would make a second account."""
    case = opened(schema_documents=spelled_exactly(), seed={"users": [{"userName": "Ada@Example.com"}]})
    ada, bob = {"userName": "ada@example.com"}, {"userName": "bob@example.com"}
    before, now = case.state({"users": [ada, bob]}), case.state({"users": [ada | {"title": "Captain"}, bob]})
    assert step_ids(case.since(before, now)) == ["update user:Ada@Example.com"]


def test_where_nobody_tells_who_is_in_a_group_only_what_the_lines_add_is_added(opened: Callable[..., Case]) -> None:
    case = opened(capabilities=", members_read: none", members_shown=MembersShown.NEVER, user_groups=False)
    _, since = both(case, BEFORE, after())
    added = {step.name: [edge.name for edge in step.members] for step in since.steps if step.members}
    assert added == {
        "team-core": ["ivy@example.com"],
        "team-all": ["ivy@example.com"],
        "team-platform": ["cyd@example.com", "ivy@example.com"],
    }


def people(number: int) -> State:
    """So many users in groups of ten."""
    names = [f"u{one:05}@example.com" for one in range(number)]
    return {
        "users": [{"userName": name} for name in names],
        "groups": [
            {"displayName": f"team-{first // 10:04}", "members": names[first : first + 10]}
            for first in range(0, number, 10)
        ],
    }


def with_five_lines_changed(number: int) -> State:
    """One comes and is put into a group, one gets a title, one leaves with the membership: five lines."""
    state = people(number)
    state["users"][11]["title"] = "Captain"
    del state["users"][25]
    state["groups"][2]["members"].remove("u00025@example.com")
    state["users"].append({"userName": "new@example.com"})
    state["groups"][3]["members"].append("new@example.com")
    return state


def test_five_lines_cost_the_same_few_requests_in_a_small_directory_and_in_a_large_one(
    opened: Callable[..., Case],
) -> None:
    costs = []
    for number in (50, 2_000):
        case = opened(seed=people(number))
        before, now = case.state(people(number)), case.state(with_five_lines_changed(number))
        sent = len(case.sandbox.requests)
        live, touched = case.read_since(before, now)
        made = reconciler.plan(now.desired, live, as_of=AS_OF, since=touched)
        assert step_ids(made) == [
            "create user:new@example.com",
            "update user:u00011@example.com",
            "add_members group:team-0003",
            "remove_members group:team-0002",
            "deactivate user:u00025@example.com",
        ]
        assert live.statistics.requests == len(case.sandbox.requests) - sent
        costs.append(live.statistics.requests)
    assert costs[0] == costs[1] <= 12


def test_a_change_of_much_is_read_as_a_listing_where_that_is_cheaper(opened: Callable[..., Case]) -> None:
    case = opened(seed=people(300))
    before, now = case.state(people(300)), people(300)
    for user in now["users"][:200]:
        user["title"] = "Captain"
    changed = case.state(now)
    live, touched = case.read_since(before, changed)
    assert len(live.users) == 200
    assert live.statistics.requests < 10
    made = reconciler.plan(changed.desired, live, as_of=AS_OF, since=touched)
    assert essence(made) == essence(case.whole(changed))


def test_why_everybody_was_read_is_told(opened: Callable[..., Case]) -> None:
    case = opened(filters=NO_FILTERS)
    before, now = case.state(BEFORE), case.state(after())
    notes: list[Diagnostic] = []
    case.read_since(before, now, notes.append)
    told = [note.message for note in notes if note.code == "listed-whole"]
    assert len(told) == 2
    assert all(
        "are read, although the change touches few: it refuses to be asked for single ones" in one for one in told
    )


def test_nobody_else_is_touched_whatever_the_directory_holds_beside(opened: Callable[..., Case]) -> None:
    case = opened(seed={"users": [{"userName": f"stranger{one}@example.com", "active": True} for one in range(5)]})
    before = case.state(BEFORE)
    now = case.state(after())
    made = case.since(before, now)
    assert "create user:ivy@example.com" in step_ids(made)
    assert not any(step.action in (Action.DEACTIVATE, Action.DELETE) for step in made.steps)


def test_percentages_are_of_the_directory_and_not_of_what_was_read(opened: Callable[..., Case]) -> None:
    case = opened(seed=people(400))
    before, now = case.state(people(400)), case.state(with_five_lines_changed(400))
    verdicts = {verdict.guard: verdict for verdict in case.since(before, now).guards}
    assert all(verdict.passed for verdict in verdicts.values())
    assert verdicts["users.deactivate"].limit == "20 and 5 % of 400 listed before = 20"
    assert verdicts["memberships.remove"].limit == "1000 and 25 % of 400 stated before = 100"


def test_what_removing_a_group_takes_from_whom_is_known(opened: Callable[..., Case]) -> None:
    case = opened(seed=people(100))
    now = people(100)
    del now["groups"][4]
    made = case.since(case.state(people(100)), case.state(now))
    assert step_ids(made) == ["delete group:team-0004"]
    lost = [name for change in made.effect.groups[0].lost for name in change.users]
    assert lost == [f"u{one:05}@example.com" for one in range(40, 50)]


@pytest.mark.parametrize("goes", [True, False], ids=["the outer group goes", "the inner group leaves it"])
def test_who_loses_access_through_groups_inside_of_others_is_known(opened: Callable[..., Case], goes: bool) -> None:
    """A reviewer of a change must not take the few who were read for all whom it concerns."""
    inner = [team("night", "ada", "bob"), {"displayName": "team-core", "members": [{"group": "team-night"}]}]
    outer = {"displayName": "team-all", "members": ["gil@example.com", {"group": "team-core"}]}
    admins = {"displayName": "admins", "members": [{"group": "team-all"}]}
    users = {"users": BEFORE["users"]}
    before = users | {"groups": [*inner, outer, admins]}
    less = [*inner, admins | {"members": []}] if goes else [*inner, outer | {"members": ["gil@example.com"]}, admins]
    whole, since = both(opened(capabilities=", nested_groups: true"), before, users | {"groups": less})
    lost = {group.name: sorted(name for one in group.lost for name in one.users) for group in since.effect.groups}
    some = ["ada@example.com", "bob@example.com", *(["gil@example.com"] if goes else [])]
    assert lost == {"admins": some, "team-all": some}
    assert [group.lost for group in since.effect.groups] == [group.lost for group in whole.effect.groups]
