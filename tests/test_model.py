"""The words everyone shares: names, activity, validity, moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from reconciler.attributes import rfc7643
from reconciler.capabilities import Capabilities
from reconciler.model import (
    DesiredGroup,
    DesiredUser,
    Kind,
    Live,
    LiveGroup,
    LiveUser,
    Member,
    Origin,
    Validity,
    utc,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Somewhere:
    """A source of which nobody asks much."""

    def locate(self, *_path: str | int) -> Origin:
        return Origin("users.yaml", 3, 5)


def test_a_place_is_shown_as_file_and_line() -> None:
    assert str(Somewhere().locate()) == "users.yaml:3"


def test_resources_are_addressed_by_kind_and_name() -> None:
    ada = DesiredUser(attributes={"userName": "ada@example.com", "externalId": "1"}, source=Somewhere())
    team = DesiredGroup(attributes={"displayName": "team"}, source=Somewhere())
    assert (ada.address, ada.external_id) == ("user:ada@example.com", "1")
    assert (team.address, team.external_id) == ("group:team", None)
    assert LiveUser(id="1", attributes=ada.attributes).address == ada.address
    assert LiveGroup(id="1", attributes=team.attributes).address == team.address


@pytest.mark.parametrize("name", [None, "", 5])
def test_a_live_resource_without_a_name_goes_by_its_id(name: Any) -> None:
    assert LiveUser(id="42", attributes={"userName": name}).name == "42"


@pytest.mark.parametrize(("value", "external_id"), [("1", "1"), ("", None), (None, None), (7, None)])
def test_an_external_id_is_a_text_that_is_not_empty(value: Any, external_id: str | None) -> None:
    assert LiveUser(id="42", attributes={"externalId": value}).external_id == external_id


@pytest.mark.parametrize(
    ("attributes", "active"),
    [
        ({}, True),
        ({"active": None}, True),
        ({"active": True}, True),
        ({"active": "True"}, True),
        ({"active": False}, False),
        ({"active": "False"}, False),
        ({"active": "false"}, False),
    ],
)
def test_an_account_works_unless_the_server_says_that_it_does_not(attributes: dict[str, Any], active: bool) -> None:
    assert LiveUser(id="42", attributes=attributes).active is active


@pytest.mark.parametrize(
    ("moment", "not_started", "expired"),
    [
        (NOON - SECOND, True, False),
        (NOON, False, False),
        (NOON + SECOND, False, False),
        (NOON + 2 * SECOND, False, True),
    ],
)
def test_from_is_inclusive_and_until_is_not(moment: datetime, not_started: bool, expired: bool) -> None:
    validity = Validity(starts=NOON, until=NOON + 2 * SECOND)
    assert (validity.not_started(moment), validity.expired(moment)) == (not_started, expired)


def test_without_dates_an_entry_always_counts() -> None:
    assert not Validity().not_started(NOON)
    assert not Validity().expired(NOON)


@pytest.mark.parametrize(
    ("stated", "manages"),
    [({}, False), ({"members": ()}, True), ({"match": "title pr"}, True)],
)
def test_membership_is_managed_once_it_is_stated(stated: dict[str, Any], manages: bool) -> None:
    group = DesiredGroup(attributes={"displayName": "team"}, source=Somewhere(), **stated)
    assert group.manages_members is manages


def test_members_are_values() -> None:
    assert Member(kind=Kind.USER, name="a") == Member(kind=Kind.USER, name="a")


def test_live_resources_are_found_by_id_and_kind() -> None:
    user, group = LiveUser(id="1", attributes={}), LiveGroup(id="1", attributes={})
    live = Live(
        base_url="https://scim.example.com",
        schemas=rfc7643(),
        capabilities=Capabilities(),
        users=(user,),
        groups=(group,),
    )
    assert live.users_by_id == {"1": user}
    assert live.groups_by_id == {"1": group}
    assert live.of_kind(Kind.USER) == (user,)
    assert live.of_kind(Kind.GROUP) == (group,)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-06-01T12:00:00Z"),
        (NOON.replace(microsecond=5), "2026-06-01T12:00:00Z"),
        (datetime(2026, 6, 1, 14, tzinfo=timezone(timedelta(hours=2))), "2026-06-01T12:00:00Z"),
    ],
)
def test_a_moment_has_one_form(moment: datetime, text: str) -> None:
    assert utc(moment) == text
