"""For any desired and live state: applying the plan leaves nothing to plan, and touches nothing that is not ours."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.desired import load
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Desired, Live
from reconciler.planning import encode, plan
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving
from scenario import Scenario
from thoroughness import cases

pytestmark = pytest.mark.slow

NAMES = [f"{name}@example.com" for name in ("ada", "Grace", "linus", "édith", "o'neil", 'quo"te')]
GROUPS = ["team-a", "team-b", "Team-C", 'team "d" \\ ü']
TEXTS = st.sampled_from(["Engineer", "engineer", "Köchin", "No", "007", "Ünïcode 🐘", 'a "b" \\ c', " padded"])
FOREIGN = "foreign@elsewhere.example.com"

attributes = st.fixed_dictionaries(
    {},
    optional={
        "title": st.none() | TEXTS,
        "displayName": TEXTS,
        "nickName": st.none() | TEXTS,
        "department": st.none() | TEXTS,
        "name": st.fixed_dictionaries({}, optional={"givenName": st.none() | TEXTS, "familyName": TEXTS}),
        "active": st.booleans(),
        "phoneNumbers": st.lists(st.sampled_from(["+49 1", "+49 2", "+49 3"]), unique=True, max_size=2),
    },
)


def mail(name: str) -> str:
    return f"mail{(*NAMES, 'leaver@example.com', FOREIGN).index(name)}@example.com"


@st.composite
def desired_states(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    users = [
        {"userName": name, "externalId": f"x-{name}", "emails": [mail(name)], **draw(attributes)} for name in names
    ]
    groups: list[dict[str, Any]] = []
    for name in draw(st.lists(st.sampled_from(GROUPS), unique=True)):
        group: dict[str, Any] = {"displayName": name}
        if draw(st.booleans()):
            inner: list[Any] = [{"group": other["displayName"]} for other in groups if draw(st.booleans())]
            group["members"] = draw(st.lists(st.sampled_from(names), unique=True)) + inner if names else inner
        if draw(st.booleans()):
            group["match"] = draw(st.sampled_from(["active eq true", 'title sw "E"', "department pr"]))
        groups.append(group)
    return {"users": users, "groups": groups}


@st.composite
def live_states(draw: st.DrawFn) -> dict[str, Any]:
    names = [*draw(st.lists(st.sampled_from([*NAMES, "leaver@example.com"]), unique=True)), FOREIGN]
    users = []
    for name in names:
        user = {
            "userName": name.upper() if draw(st.booleans()) else name,
            "emails": [{"value": mail(name), "primary": True}],
            "active": draw(st.booleans()),
            "title": draw(TEXTS),
            **({"externalId": f"x-{name}"} if draw(st.booleans()) else {}),
        }
        users.append(user)
    stated = [user["userName"] for user in users]
    groups = [
        {"displayName": name, "members": draw(st.lists(st.sampled_from(stated), unique=True))}
        for name in draw(st.lists(st.sampled_from([*GROUPS, "team-old"]), unique=True))
    ]
    return {"users": users, "groups": groups}


@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
@settings(max_examples=cases(8, thorough=40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(desired=desired_states(), live=live_states(), unlisted=st.sampled_from(["ignore", "deactivate", "delete"]))
def test_applying_a_plan_leaves_nothing_to_plan(
    dialect: str, desired: dict[str, Any], live: dict[str, Any], unlisted: str
) -> None:
    with tempfile.TemporaryDirectory() as folder, leaving(Sandbox(dialect, seed=live)) as sandbox:
        groups = "delete" if unlisted == "delete" else "ignore"
        scenario = Scenario(Path(folder), sandbox.base_url, sandbox.token, dialect=dialect, unlisted=(unlisted, groups))
        scenario.write(yaml.safe_dump(desired, allow_unicode=True))
        config = scenario.workspace / "directory.yaml"
        config.write_text(config.read_text() + "scope: {users: 'userName ew \"@example.com\"'}\n")
        before = foreign(scenario)

        state = load(scenario.workspace).desired
        directory = scenario.live()
        inputs = copy.deepcopy(stated(state, directory))
        first = plan(state, directory, as_of=scenario.as_of)
        assert encode(first) == encode(plan(state, directory, as_of=scenario.as_of))
        assert stated(state, directory) == inputs

        scenario.converge()
        after = foreign(scenario)
        # A group that is deleted takes its memberships along; nothing else of the foreign user may change.
        assert after[0] == before[0]
        assert after[1] == before[1] & {group.name for group in scenario.live().groups}


def stated(desired: Desired, live: Live) -> tuple[Any, ...]:
    """Return everything that planning reads, without the places it was written at."""
    return (
        [resource.attributes for resource in (*desired.users, *desired.groups)],
        [resource.attributes for resource in (*live.users, *live.groups)],
        [(group.members, group.match) for group in desired.groups],
        [group.members for group in live.groups],
    )


def foreign(scenario: Scenario) -> tuple[dict[str, Any], set[str]]:
    """Return what the directory holds of the user outside the scope: its attributes, and its groups by name."""
    live = scenario.live()
    user = next(found for found in live.users if found.name.casefold() == FOREIGN)
    attributes = {name: value for name, value in user.attributes.items() if name != "groups"}
    return attributes, {group.name for group in live.groups if user.id in (group.members or ())}


def test_a_state_that_cannot_be_planned_is_an_error_that_names_both_sides(tmp_path: Path) -> None:
    live = {
        "users": [
            {"userName": "ada@example.com", "emails": [{"value": "a@example.com", "primary": True}]},
            {
                "userName": "other@example.com",
                "externalId": "1",
                "emails": [{"value": "o@example.com", "primary": True}],
            },
        ]
    }
    with leaving(Sandbox("generic", seed=live, record=True)) as sandbox:
        scenario = Scenario(tmp_path, sandbox.base_url, sandbox.token)
        scenario.write("users: [{userName: ada@example.com, externalId: 1}]")
        with pytest.raises(DiagnosticsError, match=r"(?s)other@example\.com.*ada@example\.com"):
            scenario.plan()
