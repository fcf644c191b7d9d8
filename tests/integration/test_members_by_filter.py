"""Members of AWS IAM Identity Center, which no group tells: what reading and writing them costs, to the request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from reconciler.desired import load
from reconciler.planning import plan
from reconciler.sandbox.gate import RecordedRequest
from scenario import Start

AWS = "aws-identity-center"
DISCOVERY = 2
CONTROL = 1


def name(number: int) -> str:
    return f"user{number:03}@example.com"


def seed(users: int, *groups: int) -> dict[str, Any]:
    """Return users, and groups of the first so many of them."""
    return {
        "users": [
            {
                "userName": name(number),
                "displayName": name(number),
                "name": {"givenName": "A", "familyName": "B"},
                "emails": [{"value": name(number), "primary": True}],
            }
            for number in range(users)
        ],
        "groups": [
            {"displayName": f"team-{number}", "members": [name(one) for one in range(size)]}
            for number, size in enumerate(groups)
        ],
    }


def kinds(requests: Sequence[RecordedRequest]) -> Counter[str]:
    """Count requests by method and by what they ask for: a resource, a page, or by which filter."""

    def kind(one: RecordedRequest) -> str:
        for text in ("groups.value", "members"):
            if text in one.query:
                return f"{one.method} by {text}"
        return one.method

    return Counter(map(kind, requests))


@pytest.mark.parametrize(
    ("sizes", "requests"),
    [
        pytest.param((), 0, id="no groups"),
        pytest.param((0,), CONTROL + 1, id="an empty group"),
        pytest.param((40, 40, 40), CONTROL + 3, id="groups of one page"),
        pytest.param((100, 101, 250), CONTROL + 1 + 2 + 3, id="groups of several pages"),
    ],
)
def test_members_cost_a_request_per_group_and_page_whatever_the_number_of_users(
    start: Start, sizes: Sequence[int], requests: int
) -> None:
    scenario, sandbox = start(AWS, seed=seed(250, *sizes))

    live = scenario.live()

    assert {group.name: len(group.members or ()) for group in live.groups} == {
        f"team-{number}": size for number, size in enumerate(sizes)
    }
    pages = 3 + 1
    assert len(sandbox.requests) == DISCOVERY + pages + requests


def listed(*members: int) -> str:
    users = "".join(f"  - {{userName: {name(number)}}}\n" for number in range(250))
    return f"users:\n{users}groups:\n  - displayName: team-0\n    members: [{', '.join(map(name, members))}]\n"


@pytest.mark.parametrize(
    ("before", "after", "requests"),
    [
        pytest.param(
            40, range(41), {"GET": 1, "PATCH": 1, "GET by members": 1}, id="one is added: written, and asked for alone"
        ),
        pytest.param(
            40,
            range(60),
            {"GET": 1, "PATCH": 1, "GET by groups.value": 1},
            id="twenty are added: read back by one listing",
        ),
        pytest.param(
            40,
            range(20),
            {"GET": 1, "PATCH": 1, "GET by groups.value": 2},
            id="twenty are removed: asked for before and after",
        ),
        pytest.param(
            249,
            range(250),
            {"GET": 1, "PATCH": 1, "GET by members": 1},
            id="one is added to a large group, which is not listed for it",
        ),
    ],
)
def test_memberships_are_read_back_in_the_way_that_costs_less(
    start: Start, before: int, after: range, requests: dict[str, int]
) -> None:
    scenario, sandbox = start(AWS, seed=seed(250, before), unlisted=("ignore", "ignore"))
    scenario.write(listed(*after))
    live = scenario.live()
    planned = plan(load(scenario.workspace).desired, live, as_of=scenario.as_of)
    read = len(sandbox.requests)

    result = scenario.apply_to(planned, live)

    assert result.complete, [outcome.message for outcome in result.outcomes]
    assert kinds(sandbox.requests[read:]) == requests
    assert scenario.members("team-0") == {name(number) for number in after}
