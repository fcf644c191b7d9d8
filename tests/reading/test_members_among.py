"""Who of a few is in a group now: what applying asks after a write, in the way that the directory can answer."""

from __future__ import annotations

from typing import Any

import pytest

from loopback import Reply, Request, error, list_response
from played_directory import Respond, directory, people, teams, with_client
from reconciler.capabilities import Capabilities, MembersRead
from reconciler.live import members_among
from reconciler.scim.errors import RequestRefused

HELD = directory(people(4), teams(2, {0: ["u00", "u01", "u02"]}))
TOLD = directory(
    [{**row, "groups": [{"value": "g0"}, {"value": "g1", "type": "indirect"}]} for row in people(3)] + people(4)[3:],
    teams(2),
)


def among(
    respond: Respond, way: MembersRead, *ids: str, group: str = "g0"
) -> tuple[frozenset[str] | None, list[Request]]:
    return with_client(respond, lambda c: members_among(c, Capabilities(members_read=way), group, ids))


@pytest.mark.parametrize(
    ("way", "respond", "requests"),
    [
        (MembersRead.LISTING, HELD, 1),
        (MembersRead.GROUP, HELD, 1),
        (MembersRead.USER_GROUPS, TOLD, 3),
        (MembersRead.PROBE, HELD, 3),
    ],
)
def test_those_who_are_members_are_told_by_each_way_at_its_price(
    way: MembersRead, respond: Respond, requests: int
) -> None:
    found, sent = among(respond, way, "u00", "u02", "u03", "u00")

    assert found == frozenset({"u00", "u02"})
    assert len(sent) == requests


@pytest.mark.parametrize("way", [MembersRead.LISTING, MembersRead.GROUP, MembersRead.USER_GROUPS, MembersRead.PROBE])
@pytest.mark.parametrize(("ids", "group"), [(("nobody",), "g0"), ((), "g0"), (("u00",), "no such group")])
def test_what_does_not_exist_is_in_no_group_and_holds_nobody(way: MembersRead, ids: Any, group: str) -> None:
    respond = TOLD if way is MembersRead.USER_GROUPS else HELD

    assert among(respond, way, *ids, group=group)[0] == frozenset()


def test_memberships_through_another_group_do_not_count() -> None:
    assert among(TOLD, MembersRead.USER_GROUPS, "u00", group="g1")[0] == frozenset()


def test_where_nobody_tells_the_answer_is_unknown_and_costs_nothing() -> None:
    assert among(HELD, MembersRead.NONE, "u00") == (None, [])


@pytest.mark.parametrize(
    ("way", "reply"),
    [
        pytest.param(MembersRead.GROUP, Reply(body={"id": "g0", "members": "u00"}), id="members in no list"),
        pytest.param(MembersRead.USER_GROUPS, Reply(body={"id": "u00", "groups": [{}]}), id="a group without an id"),
        pytest.param(MembersRead.PROBE, list_response(teams(2), total=2), id="a filter that is ignored"),
    ],
)
def test_what_cannot_be_read_is_unknown_and_never_nobody(way: MembersRead, reply: Reply) -> None:
    assert among(lambda _request: reply, way, "u00")[0] is None


def test_a_filter_that_is_refused_is_that_refusal() -> None:
    with pytest.raises(RequestRefused):
        among(lambda _request: error(400, "no such filter", "invalidFilter"), MembersRead.PROBE, "u00")
