"""Members of groups asked of the users: one question a group and not one a pair, and what is made of odd answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from loopback import Reply, Request, error, list_response
from played_directory import Respond, Row, directory, members_of, people, read, stating, teams, with_client
from reconciler.capabilities import Capabilities, MembersRead, Paging
from reconciler.live import Wanted, WantedResource, members_among
from reconciler.reading.by_filter import NOBODY
from reconciler.scim.errors import IncompleteListing, RequestRefused

MEMBERS = {0: ["u00", "u01"], 1: ["u01"]}
READ = {"g0": ("u00", "u01"), "g1": ("u01",), "g2": ()}
UNKNOWN = {"g0": None, "g1": None, "g2": None}
WAY = {"members_read": MembersRead.USERS_BY_GROUP}
PAIRS = {"group_filters": ("displayName", "id", "members")}


def page(rows: Sequence[Row], request: Request, *, by_cursor: bool) -> Reply:
    """Return the page that a request asks for; by cursor without totals, as AWS sends it."""
    size = int(request.query.get("count", "100"))
    start = int(request.query.get("cursor") or 0) if by_cursor else int(request.query.get("startIndex", "1")) - 1
    shown = list(rows[start : start + size])
    if not by_cursor:
        return list_response(shown, total=len(rows), start=start + 1)
    more = {"nextCursor": str(start + size)} if start + size < len(rows) else {}
    return Reply(body={"Resources": shown, **more})


def asked(request: Request) -> str | None:
    """Return the group whose users a request asks for."""
    attribute, _, value = request.query.get("filter", "").partition(" eq ")
    return value.strip('"') if attribute == "groups.value" else None


def of_users(users: list[Row], groups: list[Row], *, by_cursor: bool = False, telling: bool = False) -> Respond:
    """Return a directory whose groups tell no members, and whose users can be asked for by group."""
    members = {row["id"]: [one["value"] for one in row.get("members", ())] for row in groups}
    rest = directory(users, groups, members_in="nowhere")

    def shown(row: Row) -> Row:
        own = [{"value": group} for group, inside in members.items() if row["id"] in inside]
        return {**row, "groups": own} if telling else row

    def respond(request: Request) -> Reply:
        if (group_id := asked(request)) is not None:
            rows = [shown(row) for row in users if row["id"] in members.get(group_id, ())]
            return page(rows, request, by_cursor=by_cursor)
        pair = request.query.get("filter", "")
        if " and members eq " in pair:
            group_id, member_id = pair.split('"')[1::2]
            found = [row for row in groups if row["id"] == group_id and member_id in members[group_id]]
            return list_response(found, total=len(found))
        if by_cursor and request.path in ("/Users", "/Groups"):
            return page(users if request.path == "/Users" else groups, request, by_cursor=True)
        return rest(request)

    return respond


def instead(answer: Any, respond: Respond | None = None) -> Respond:
    """Return a directory that answers questions after users by group in a way of its own."""
    usual = respond or of_users(people(3), teams(3, MEMBERS))
    return lambda request: answer(asked(request)) if asked(request) is not None else usual(request)


def wanted(*numbers: int) -> Wanted:
    return Wanted(groups=tuple(WantedResource(names=(f"team-{number}",), members=True) for number in numbers))


def questions(requests: list[Request]) -> list[str]:
    """Return the groups whose users were asked for, in order."""
    return [group for request in requests if (group := asked(request)) is not None]


def test_each_group_is_asked_for_once_and_one_that_does_not_exist_to_see_that_the_filter_is_read() -> None:
    live, requests, told = read(of_users(people(3), teams(3, MEMBERS)), stating(**WAY))

    assert members_of(live) == READ
    assert questions(requests)[0] == NOBODY
    assert sorted(questions(requests)[1:]) == ["g0", "g1", "g2"]
    assert len(requests) == 2 + 1 + 3
    assert told == []


def test_only_groups_whose_members_are_needed_are_asked_for() -> None:
    live, requests, _ = read(of_users(people(3), teams(3, MEMBERS)), stating(**WAY), wanted(1))

    assert members_of(live) == {"g0": None, "g1": ("u01",), "g2": None}
    assert questions(requests) == [NOBODY, "g1"]


def test_where_no_members_are_needed_nothing_is_asked() -> None:
    _, requests, _ = read(of_users(people(3), teams(3, MEMBERS)), stating(**WAY), Wanted())

    assert questions(requests) == []


@pytest.mark.parametrize("by_cursor", [True, False])
@pytest.mark.parametrize(("size", "requests"), [(0, 1), (99, 1), (101, 2), (250, 3)])
def test_a_group_costs_a_request_per_page_of_members(size: int, requests: int, by_cursor: bool) -> None:
    users = people(251)
    groups = teams(1, {0: [row["id"] for row in users[:size]]})
    paging = Paging.CURSOR if by_cursor else Paging.INDEX

    live, sent, _ = read(of_users(users, groups, by_cursor=by_cursor), stating(paging=paging, **WAY))

    assert len(members_of(live)["g0"] or ()) == size
    assert len(questions(sent)) == 1 + requests


def test_members_are_known_where_groups_and_users_are_found_by_name_alone() -> None:
    live, _, _ = read(of_users(people(3), teams(3, MEMBERS)), stating(paging=Paging.FILTER_ONLY, **WAY), wanted(0))

    assert members_of(live) == {"g0": ("u00", "u01")}


def test_a_filter_that_is_ignored_is_noticed_by_the_group_that_does_not_exist() -> None:
    respond = instead(lambda _group: list_response(people(3), total=3))

    live, requests, told = read(respond, stating(**WAY))

    assert members_of(live) == UNKNOWN
    assert questions(requests) == [NOBODY]
    assert "it ignores the filter" in told[0].message
    assert told[0].hint == (
        "state `members_read: user-groups` or `members_read: group` under `capabilities` in directory.yaml"
    )


def test_a_filter_that_is_refused_is_refused_for_one_group_and_not_for_each() -> None:
    live, requests, told = read(instead(lambda _group: error(400, "no", "invalidFilter")), stating(**WAY))

    assert members_of(live) == UNKNOWN
    assert questions(requests) == [NOBODY, "g0"]
    assert told[0].message.startswith("the members of 3 groups are unknown: the filter that asks for the users in a")


def test_a_server_that_refuses_only_the_group_that_does_not_exist_is_believed() -> None:
    usual = of_users(people(3), teams(3, MEMBERS))

    def respond(request: Request) -> Reply:
        return error(404, "no such group") if asked(request) == NOBODY else usual(request)

    live, _, told = read(respond, stating(**WAY))

    assert members_of(live) == READ
    assert told == []


def test_a_group_that_goes_while_it_is_read_is_unknown_and_the_others_are_not() -> None:
    usual = of_users(people(3), teams(3, MEMBERS))

    def respond(request: Request) -> Reply:
        return error(404, "gone") if asked(request) == "g1" else usual(request)

    live, _, told = read(respond, stating(**WAY))

    assert members_of(live) == {**READ, "g1": None}
    assert told[0].message.startswith("the members of 1 group are unknown")


def test_an_answer_that_cannot_be_proven_complete_is_an_error_and_no_membership() -> None:
    def answer(group: str | None) -> Reply:
        return list_response([] if group == NOBODY else people(2), total=0 if group == NOBODY else 3)

    with pytest.raises(IncompleteListing):
        read(instead(answer), stating(**WAY))


def belonging(user: Row, *entries: Any) -> Row:
    return {**user, "groups": list(entries)}


@pytest.mark.parametrize(
    ("second", "members"),
    [
        pytest.param(({"value": "g0", "type": "direct"},), ("u00", "u01"), id="a member"),
        pytest.param(({"value": "g0", "type": "indirect"},), ("u00",), id="through another group"),
        pytest.param(({"value": "g1"},), ("u00",), id="of another group"),
        pytest.param((), ("u00",), id="of none"),
        pytest.param(({"display": "team-0"},), None, id="of one without an id"),
    ],
)
def test_users_who_tell_their_groups_are_members_only_where_they_say_so(second: Any, members: Any) -> None:
    rows = [belonging(people(1)[0], {"value": "g0"}), belonging(people(2)[1], *second)]
    respond = instead(lambda group: list_response(rows if group == "g0" else [], total=2 if group == "g0" else 0))

    live, _, told = read(respond, stating(**WAY), wanted(0))

    assert members_of(live)["g0"] == members
    assert [one.code for one in told] == (["members-unknown"] if members is None else [])


def test_a_filter_that_finds_nobody_is_doubted_where_a_user_says_to_be_in_a_group() -> None:
    users = [belonging(people(1)[0], {"value": "g1"}), *people(3)[1:]]
    respond = instead(lambda _group: list_response([], total=0), of_users(users, teams(3)))

    live, _, told = read(respond, stating(**WAY))

    assert members_of(live) == UNKNOWN
    assert told[0].hint == "state `members_read: user-groups` under `capabilities` in directory.yaml"


def among(respond: Respond, ids: Sequence[str], **capabilities: Any) -> tuple[frozenset[str] | None, list[Request]]:
    known = Capabilities(members_read=MembersRead.USERS_BY_GROUP, **capabilities)
    return with_client(respond, lambda client: members_among(client, known, "g0", ids))


USERS = people(100) + [{"id": f"v{number:03}", "userName": f"v{number}@example.com"} for number in range(999)]
SMALL = teams(1, {0: [row["id"] for row in USERS[:40]]})
LARGE = teams(1, {0: [row["id"] for row in USERS]})


@pytest.mark.parametrize(
    ("groups", "ids", "capabilities", "requests"),
    [
        pytest.param(SMALL, ["u01"], {}, 1, id="one of a small group"),
        pytest.param(SMALL, ["u01"], PAIRS, 1, id="one of a small group, by the pair"),
        pytest.param(SMALL, ["u01", "u02", "u03", "v001"], PAIRS, 1, id="four of a small group"),
        pytest.param(SMALL, [f"u{number:02}" for number in range(100)], PAIRS, 1, id="a hundred of a small group"),
        pytest.param(LARGE, ["v998"], PAIRS, 1, id="one of a large group, by the pair"),
        pytest.param(LARGE, ["v998"], {}, 11, id="one of a large group, where there is no pair"),
        pytest.param(LARGE, ["v998", "nobody"], PAIRS, 3 + 2, id="two of a large group"),
        pytest.param(LARGE, ["u01", "u02", "u03"], PAIRS, 1, id="three who are on the first page"),
        pytest.param(
            LARGE, ["u01", "v998", "v997"], PAIRS, 4 + 2, id="one who is on the first page and two who are not"
        ),
        pytest.param(LARGE, [f"v{one}" for one in range(900, 998)], PAIRS, 11, id="ninety-eight of a large group"),
    ],
)
def test_a_few_are_asked_about_in_the_way_that_costs_less(
    groups: list[Row], ids: list[str], capabilities: dict[str, Any], requests: int
) -> None:
    inside = {one["value"] for one in groups[0]["members"]}
    respond = of_users(USERS, groups, by_cursor=True)

    found, sent = among(respond, ids, paging=Paging.CURSOR, **capabilities)

    assert found == frozenset(inside.intersection(ids))
    assert len(sent) == requests


def test_by_index_the_total_of_the_first_page_says_already_what_costs_less() -> None:
    found, sent = among(of_users(USERS, LARGE), ["v998", "nobody"], **PAIRS)

    assert found == frozenset({"v998"})
    assert len(sent) == 1 + 2


def test_nobody_asked_about_costs_nothing() -> None:
    assert among(of_users(USERS, SMALL), []) == (frozenset(), [])


def test_a_group_that_does_not_exist_holds_nobody() -> None:
    assert among(of_users(people(3), []), ["u00", "u01"])[0] == frozenset()


def test_a_question_after_a_pair_that_is_not_honoured_is_asked_of_the_users() -> None:
    usual = of_users(people(3), teams(3, MEMBERS))

    def respond(request: Request) -> Reply:
        if " and members eq " in request.query.get("filter", ""):
            return list_response(teams(3), total=3)
        return usual(request)

    assert among(respond, ["u00"], **PAIRS)[0] == frozenset({"u00"})


def test_members_who_tell_their_groups_are_checked_when_read_back_too() -> None:
    rows = [belonging(people(1)[0], {"value": "g0"}), belonging(people(2)[1], {"value": "g1"})]
    respond = instead(lambda _group: list_response(rows, total=2))

    assert among(respond, ["u00", "u01"])[0] == frozenset({"u00"})


def test_what_cannot_be_read_is_unknown_and_never_nobody() -> None:
    rows = [belonging(people(1)[0], {"display": "team-0"})]

    assert among(instead(lambda _group: list_response(rows, total=1)), ["u00", "u01"])[0] is None


def test_a_filter_that_is_refused_when_read_back_is_that_refusal() -> None:
    with pytest.raises(RequestRefused):
        among(instead(lambda _group: error(400, "no such filter", "invalidFilter")), ["u00", "u01"])
