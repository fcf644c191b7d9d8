"""What a read costs, to the request: discovery, a request per page, and what each way to read members takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.behaviour import Behaviour, behaviour
from reconciler.sandbox.behaviour.definition import Listing, MembersShown
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving
from scenario import Start
from whole_way import Product, Workspace

DISCOVERY = 2


def seed(users: int, groups: int) -> dict[str, Any]:
    names = [f"user{number:03}@example.com" for number in range(users)]
    return {
        "users": [{"userName": name, "emails": [{"value": name, "primary": True}]} for name in names],
        "groups": [{"displayName": f"team-{number}", "members": names[number::5]} for number in range(groups)],
    }


def cost(start: Start, dialect: str, users: int, groups: int) -> dict[str, int]:
    """Read a directory once; return the requests for users, for groups and for discovery, as the server counts them."""
    scenario, sandbox = start(dialect, seed=seed(users, groups))

    live = scenario.live()

    assert len(live.users) == users
    assert live.statistics.requests == sandbox.request_count == len(sandbox.requests)
    return counted(sandbox)


def counted(sandbox: Sandbox) -> dict[str, int]:
    """Return the requests for users, for groups, for each group alone, and for discovery."""
    found = Counter[str]()
    for request in sandbox.requests:
        *_, parent, last = request.path.split("/")
        found[{"Users": "users", "Groups": "groups"}.get(last, "group" if parent == "Groups" else "discovery")] += 1
    return dict(found)


@pytest.mark.parametrize(
    ("users", "requests"),
    [
        pytest.param(0, 1, id="none"),
        pytest.param(3, 1, id="a few"),
        pytest.param(99, 1, id="just no limit"),
        pytest.param(100, 2, id="a full page, and a look past it"),
        pytest.param(101, 2, id="a page and a row"),
        pytest.param(250, 3, id="two pages and a half"),
    ],
)
@pytest.mark.parametrize("groups", [0, 5])
def test_atlassian_costs_a_request_per_hundred_users(start: Start, users: int, groups: int, requests: int) -> None:
    assert cost(start, "atlassian", users, groups) == {"discovery": DISCOVERY, "users": requests, "groups": 1}


@pytest.mark.parametrize(
    ("users", "requests"),
    [
        pytest.param(0, 1, id="none"),
        pytest.param(3, 1, id="a few"),
        pytest.param(100, 2, id="as many as a limit, and a look past it"),
        pytest.param(101, 1, id="no limit"),
        pytest.param(200, 2, id="a full page, and a look past it"),
        pytest.param(250, 2, id="a page and a quarter"),
    ],
)
@pytest.mark.parametrize("groups", [0, 5])
def test_a_server_that_offers_pages_of_two_hundred_is_asked_for_them(
    start: Start, users: int, groups: int, requests: int
) -> None:
    assert cost(start, "generic", users, groups) == {"discovery": DISCOVERY, "users": requests, "groups": 1}


@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
@pytest.mark.parametrize(
    ("users", "groups"), [(0, 0), (20, 10), (50, 20), (10, 25), (100, 50), (200, 20), (250, 100), (37, 50), (400, 200)]
)
def test_a_read_costs_its_pages_and_three_requests_at_most(start: Start, dialect: str, users: int, groups: int) -> None:
    page = {"generic": 200, "atlassian": 100}[dialect]
    own = 1 if dialect == "atlassian" else 0  # the group that Atlassian keeps itself
    pages = max(1, -(-users // page)) + max(1, -(-(groups + own) // 100))

    assert sum(cost(start, dialect, users, groups).values()) <= pages + 3


@pytest.mark.parametrize(("groups", "requests"), [(99, 1), (100, 2), (101, 2), (205, 3)])
def test_groups_come_a_hundred_at_a_time_though_the_server_offers_more(
    start: Start, groups: int, requests: int
) -> None:
    assert cost(start, "generic", 3, groups) == {"discovery": DISCOVERY, "users": 1, "groups": requests}


def planned(folder: Path, dialect: str, rules: Behaviour, **capabilities: Any) -> dict[str, int]:
    """Plan for a directory of 12 users in 3 groups that is as the files say."""
    content = seed(12, 3 if rules.groups else 0)
    with leaving(Sandbox(rules, seed=content, record=True)) as sandbox:
        product = Product(capabilities=capabilities)
        workspace = Workspace(folder, sandbox.base_url, sandbox.token, product, dialect=dialect)
        users = [{"userName": user["userName"]} for user in content["users"]]
        workspace.state(users, content["groups"])
        assert workspace.plan().steps == ()
        return counted(sandbox)


# AWS wants more of a user than the others do.
AWS = replace(behaviour("aws-identity-center"), required=())
BY_CURSOR = replace(AWS, cursor_limit=5)
ALONE = replace(behaviour("generic"), members_shown=MembersShown.READ)


@pytest.mark.parametrize(
    ("dialect", "rules", "capabilities", "requests"),
    [
        pytest.param("generic", ALONE, {"members_read": "group"}, {"users": 1, "groups": 1, "group": 3}, id="by group"),
        pytest.param(
            "generic",
            replace(behaviour("generic"), members_shown=MembersShown.NEVER),
            {"members_read": "user-groups"},
            {"users": 1, "groups": 1},
            id="by the groups of users: nothing",
        ),
        pytest.param(
            "aws-identity-center",
            AWS,
            {},
            {"users": 1 + 1 + 3, "groups": 1},
            id="users by group: one each, and one whether the filter is honoured",
        ),
        pytest.param(
            "aws-identity-center",
            AWS,
            {"members_read": "probe"},
            {"users": 1, "groups": 1 + 1 + 3 * 12},
            id="probe: each user of each group, and one whether the filter is honoured",
        ),
        pytest.param(
            "aws-identity-center",
            BY_CURSOR,
            {"page_size": 5},
            {"users": 3 + 1 + 3, "groups": 1},
            id="by cursor: no look past the end",
        ),
        pytest.param(
            "generic",
            replace(behaviour("generic"), listing=Listing.WHOLE),
            {"paging": "none"},
            {"users": 1, "groups": 1},
            id="without paging",
        ),
        pytest.param(
            "gitlab",
            behaviour("gitlab"),
            {},
            {"discovery": DISCOVERY + 1, "users": 12},
            id="without a listing: each user; nothing is told of extensions",
        ),
        pytest.param(
            "snowflake",
            behaviour("snowflake"),
            {},
            {"users": 12, "groups": 3, "group": 3},
            id="without a listing: each user, and each group twice, for it and for its members",
        ),
    ],
)
def test_each_way_of_reading_costs_what_it_takes(
    dialect: str, rules: Behaviour, capabilities: dict[str, Any], requests: dict[str, int], tmp_path: Path
) -> None:
    assert planned(tmp_path, dialect, rules, **capabilities) == {"discovery": DISCOVERY, **requests}
