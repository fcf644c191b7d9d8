"""What an apply costs in requests, counted at the server."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from loopback import Reply, Request
from meddler import Forward, Interpose, user
from reconciler.capabilities import MembersRead
from reconciler.desired import load
from reconciler.model import Live
from reconciler.planning import Plan, plan
from reconciler.sandbox.server import Sandbox
from scenario import Scenario, Start

COUNT = 12
NAMES = [f"user{number:02}@example.com" for number in range(COUNT)]


def cost(scenario: Scenario, sandbox: Sandbox, planned: Plan, live: Live) -> Counter[str]:
    before = len(sandbox.requests)
    result = scenario.apply_to(planned, live)
    assert result.complete, [outcome for outcome in result.outcomes if outcome.message]
    return Counter(request.method for request in sandbox.requests[before:])


def users(**attributes: str) -> str:
    stated = "".join(f", {name}: {value}" for name, value in attributes.items())
    return "users:\n" + "".join(f"  - {{userName: {name}, emails: [{name}]{stated}}}\n" for name in NAMES)


def group(members: list[str]) -> str:
    return f"groups:\n  - {{displayName: team, members: [{', '.join(members)}]}}\n"


SEEDED = {"users": [user(name.partition("@")[0], title="Intern") for name in NAMES]}


def with_team(members: list[str]) -> dict[str, Any]:
    return {**SEEDED, "groups": [{"displayName": "team", "members": members}]}


@pytest.mark.parametrize(
    ("seed", "yaml", "unlisted", "requests"),
    [
        pytest.param(None, users(), "ignore", {"POST": COUNT, "GET": COUNT}, id="a creation: write, read back"),
        pytest.param(
            SEEDED,
            users(title="Engineer"),
            "ignore",
            {"GET": 2 * COUNT, "PATCH": COUNT},
            id="an update: read, write, read back",
        ),
        pytest.param(
            SEEDED, "", "deactivate", {"GET": 2 * COUNT, "PATCH": COUNT}, id="a deactivation: read, write, read back"
        ),
        pytest.param(
            SEEDED, "", "delete", {"GET": 2 * COUNT, "DELETE": COUNT}, id="a deletion: read, write, read back"
        ),
        pytest.param(
            with_team([]),
            users() + group(NAMES),
            "ignore",
            {"GET": 4, "PATCH": 3},
            id="members added for the first time: read, a write per batch, read back until proven, read back",
        ),
        pytest.param(
            with_team(NAMES),
            users() + group([]),
            "ignore",
            {"GET": 3, "PATCH": 3},
            id="members removed for the first time: read, a write per batch, read back once, read back",
        ),
    ],
)
def test_what_a_plan_costs(
    start: Start, seed: dict[str, Any] | None, yaml: str, unlisted: str, requests: dict[str, int]
) -> None:
    scenario, sandbox = start(seed=seed, unlisted=(unlisted, "ignore"))
    live = scenario.live()
    batches_of_five = replace(live.capabilities, max_members_per_patch=5, max_operations_per_patch=5)
    live = replace(live, capabilities=batches_of_five)
    planned = plan(load(scenario.write(yaml).workspace).desired, live, as_of=scenario.as_of)
    assert cost(scenario, sandbox, planned, live) == requests


class Server:
    """A dialect, and what differs from it."""

    def __init__(self, dialect: str, **capabilities: Any) -> None:
        self.dialect = dialect
        self._capabilities = capabilities

    def of(self, live: Live) -> Live:
        return replace(live, capabilities=replace(live.capabilities, **self._capabilities))


@pytest.mark.parametrize(
    ("server", "seed", "yaml", "requests"),
    [
        pytest.param(
            Server("okta-style"),
            SEEDED,
            users(title="Boss"),
            {"GET": 2 * COUNT, "PUT": COUNT},
            id="users written whole",
        ),
        pytest.param(
            Server("okta-style", max_operations_per_patch=4),
            with_team(NAMES),
            users() + group([]),
            {"GET": 3, "PATCH": 3},
            id="a path filter takes an operation for each member",
        ),
        pytest.param(
            Server("entra-style", max_operations_per_patch=1),
            with_team(NAMES),
            users() + group([]),
            {"GET": 2, "PATCH": 1},
            id="a list of members takes one operation",
        ),
        pytest.param(
            Server("salesforce"),
            with_team([]),
            users() + group(NAMES),
            {"GET": 2, "PATCH": 1},
            id="members inside a value",
        ),
        pytest.param(
            Server("generic", members_read=MembersRead.NONE),
            with_team([]),
            users() + group(NAMES),
            {"GET": 1, "PATCH": 1},
            id="members that nobody can read back",
        ),
    ],
)
def test_what_a_plan_costs_by_capability(
    start: Start, server: Server, seed: dict[str, Any], yaml: str, requests: dict[str, int]
) -> None:
    scenario, sandbox = start(server.dialect, seed=seed, unlisted=("ignore", "ignore"))
    live = server.of(scenario.live())
    planned = plan(load(scenario.write(yaml).workspace).desired, live, as_of=scenario.as_of)
    assert cost(scenario, sandbox, planned, live) == requests


@pytest.mark.parametrize(
    ("before", "after"),
    [pytest.param(NAMES[:1], NAMES, id="added"), pytest.param(NAMES, NAMES[:1], id="removed")],
)
def test_memberships_cost_a_read_a_write_per_batch_and_a_read_back_once_the_form_is_proven(
    start: Start, before: list[str], after: list[str]
) -> None:
    def cost_of(groups: int) -> Counter[str]:
        names = [f"team-{number}" for number in range(groups)]
        seed = {**SEEDED, "groups": [{"displayName": name, "members": before} for name in names]}
        scenario, sandbox = start(seed=seed, unlisted=("ignore", "ignore"))
        live = scenario.live()
        batches_of_five = replace(live.capabilities, max_members_per_patch=5, max_operations_per_patch=5)
        live = replace(live, capabilities=batches_of_five)
        listed = "".join(f"  - {{displayName: {name}, members: [{', '.join(after)}]}}\n" for name in names)
        scenario.write(f"{users()}groups:\n{listed}")
        # In one chunk: what is parted by chunks is read once more.
        scenario.canary = scenario.chunk_size
        return cost(scenario, sandbox, scenario.plan_for(live), live)

    # What the proof costs: the first member goes alone, and is read back.
    assert cost_of(1) == {"GET": 3, "PATCH": 4}
    assert cost_of(5) == {"GET": 3 + 4 * 2, "PATCH": 4 + 4 * 3}


@pytest.mark.parametrize(
    ("yaml", "requests"),
    [
        pytest.param(users(title="Engineer"), {"GET": COUNT}, id="updates"),
        pytest.param(users() + group(NAMES), {"GET": 1}, id="memberships"),
    ],
)
def test_what_is_done_already_costs_a_read(start: Start, yaml: str, requests: dict[str, int]) -> None:
    scenario, sandbox = start(seed=with_team([]), unlisted=("ignore", "ignore"))
    live = scenario.live()
    planned = scenario.write(yaml).plan()
    scenario.apply(planned)
    assert cost(scenario, sandbox, planned, live) == requests


@pytest.mark.parametrize("concurrency", [1, 3])
def test_as_many_resources_are_in_work_as_requests_may_be_in_flight(between: Interpose, concurrency: int) -> None:
    lock, in_work, most = threading.Lock(), set[str](), [0]

    def meddle(request: Request, forward: Forward) -> Reply:
        with lock:
            if request.method == "GET" and "/Users/" in request.path:
                in_work.symmetric_difference_update({request.path})
                most[0] = max(most[0], len(in_work))
        return forward(request)

    made = between(meddle, seed=SEEDED)
    made.scenario.concurrency = concurrency
    assert made.scenario.write(users(title="Engineer")).apply().complete
    assert most[0] == concurrency
