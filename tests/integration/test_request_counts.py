"""What a read of the whole directory costs, to the request: discovery is three, and every page is one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from scenario import Start

DISCOVERY = 3


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
    return dict(
        Counter(
            {"/Users": "users", "/Groups": "groups"}.get(f"/{request.path.rpartition('/')[2]}", "discovery")
            for request in sandbox.requests
        )
    )


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


@pytest.mark.parametrize(("groups", "requests"), [(99, 1), (100, 2), (101, 2), (205, 3)])
def test_groups_come_a_hundred_at_a_time_though_the_server_offers_more(
    start: Start, groups: int, requests: int
) -> None:
    assert cost(start, "generic", 3, groups) == {"discovery": DISCOVERY, "users": 1, "groups": requests}
