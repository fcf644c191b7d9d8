"""The whole scenario against ``scim2-server``, a directory that others wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scenario import Scenario
from third_party import scim2_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def endpoint() -> Iterator[tuple[str, str]]:
    with scim2_server() as running:
        yield running


USERS = 200
GROUPS = 20


def user(number: int, **changes: Any) -> dict[str, Any]:
    name = f"user{number:03}"
    return {
        "userName": f"{name}@example.com",
        "externalId": f"hr-{number}",
        "name": {"givenName": "User", "familyName": f"Nummer {number} äöü 🐘"},
        "displayName": f'User "{number}" \\ Example',
        "emails": [f"{name}@example.com", {"value": f"{name}@example.org", "type": "home"}],
        "phoneNumbers": [{"value": f"+49-30-{number:06}", "type": "work"}],
        "title": "Engineer",
        "department": "Platform" if number % 2 else "Sales",
        "employeeNumber": f"{number:05}",
        **changes,
    }


def group(number: int, members: list[str]) -> dict[str, Any]:
    return {"displayName": f"team-{number:02} ünïcode", "externalId": f"g-{number}", "members": members}


def names(numbers: range) -> list[str]:
    return [f"user{number:03}@example.com" for number in numbers]


def test_everything_that_a_workspace_can_state_converges(endpoint: tuple[str, str], tmp_path: Path) -> None:
    base_url, token = endpoint
    scenario = Scenario(tmp_path, base_url, token)

    def state(users: list[dict[str, Any]], groups: list[dict[str, Any]]) -> None:
        document = {"users": users, "groups": groups}
        scenario.write(yaml.safe_dump(document, allow_unicode=True, sort_keys=False)).converge()

    everybody = [user(number) for number in range(USERS)]
    state(everybody, [group(number, names(range(number, USERS, GROUPS))) for number in range(GROUPS)])
    assert len(scenario.live().users) == USERS

    # Change attributes of every sort, unset some, rename some, and move everybody to the next group.
    changed = [
        user(
            number,
            userName=f"renamed{number:03}@example.com" if number < 5 else f"user{number:03}@example.com",
            title=None if number % 7 == 0 else "Principal Engineer",
            name={"givenName": "Given", "middleName": "M."},
            emails=[f"user{number:03}@example.org"],
            phoneNumbers=[],
            department=None,
            active=number % 10 != 3,
        )
        for number in range(USERS)
    ]
    members = [changed[number]["userName"] for number in range(USERS)]
    state(changed, [group(number, members[number + 1 :: GROUPS]) for number in range(GROUPS)])
    live = {found.name: found for found in scenario.live().users}
    assert not live["user003@example.com" if "user003@example.com" in live else "renamed003@example.com"].active

    # Half the people and all but three groups are not listed any more: deactivated, deleted.
    state(changed[: USERS // 2], [group(number, members[: number * 10]) for number in range(3)])
    live_now = scenario.live()
    assert len(live_now.groups) == 3
    assert sum(found.active for found in live_now.users) == USERS // 2 - USERS // 2 // 10

    # Nobody is listed, and the policy is to delete.
    scenario.unlisted = ("delete", "delete")
    state([], [])
    assert scenario.live().users == ()


def test_one_group_of_a_thousand_members_is_filled_and_emptied(endpoint: tuple[str, str], tmp_path: Path) -> None:
    base_url, token = endpoint
    scenario = Scenario(tmp_path, base_url, token, unlisted=("delete", "delete"), chunk_size=200)
    listed = [{"userName": f"member{number:04}@example.com"} for number in range(1000)]
    for members in (listed, listed[::2], []):
        document = {
            "users": listed,
            "groups": [{"displayName": "everybody", "members": [member["userName"] for member in members]}],
        }
        scenario.write(yaml.safe_dump(document)).converge()
        assert len(scenario.members("everybody")) == len(members)
    scenario.write("").converge()
