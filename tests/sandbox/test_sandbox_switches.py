"""Single quirks, each switched on in a directory that otherwise follows the RFCs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER
from reconciler.model import Kind
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.behaviour.definition import (
    Conflict,
    MemberForm,
    MembersPut,
    MembersReplaced,
    MembersShown,
    UnknownFilter,
    UnknownRemoval,
    UserDelete,
)
from reconciler.sandbox.seed import write_data
from reconciler.sandbox.server import Sandbox
from scim_api import add, nested, refusal, remove, remove_array, replace_active, serving

GENERIC = behaviour("generic")


@pytest.mark.parametrize(
    ("does", "status", "left"),
    [
        (UnknownRemoval.REFUSED, 400, 2),
        (UnknownRemoval.NOT_IMPLEMENTED, 501, 2),
        (UnknownRemoval.IGNORED, 204, 2),
        (UnknownRemoval.EMPTIES, 204, 0),
    ],
)
@pytest.mark.parametrize(
    ("known", "sent"),
    [
        (MemberForm.PATH_FILTER, remove_array),
        (MemberForm.PATH_FILTER, lambda member: nested("remove", member)),
        (MemberForm.PATH_FILTER, lambda _member: {"op": "remove", "path": "members"}),
        (MemberForm.VALUE_ARRAY, remove),
        (MemberForm.NESTED_VALUE, remove_array),
    ],
    ids=["value array", "nested value", "all", "path filter", "value array to nested"],
)
def test_a_removal_in_an_unknown_form(
    does: UnknownRemoval, status: int, left: int, known: MemberForm, sent: Callable[[str], dict[str, Any]]
) -> None:
    with serving(replace(GENERIC, member_removals=frozenset({known}), unknown_removal=does)) as api:
        ada, grace = api.users("user", 2)
        team = api.group("team", ada, grace)

        assert api.patch(f"/Groups/{team}", sent(ada)).status_code == status
        assert len(api.members(team)) == left


def test_a_refused_removal_takes_the_whole_patch_with_it() -> None:
    with serving(replace(GENERIC, member_removals=frozenset({MemberForm.VALUE_ARRAY}))) as api:
        ada, grace = api.users("user", 2)
        team = api.group("team", ada)

        api.patch(f"/Groups/{team}", add(grace), remove(ada))

        assert api.members(team) == [ada]


def test_a_value_may_also_be_a_single_member() -> None:
    with serving(replace(GENERIC, member_removals=frozenset({MemberForm.VALUE_ARRAY}))) as api:
        ada, grace = api.users("user", 2)
        team = api.group("team", ada, grace)
        single = {"op": "remove", "path": f"{CORE_GROUP}:Members", "value": {"value": ada}}

        assert api.patch(f"/Groups/{team}", single, add("x") | {"value": []}).status_code == 204
        assert api.members(team) == [grace]


@pytest.mark.parametrize(
    ("does", "status", "after"),
    [
        (MembersReplaced.REPLACED, 204, [1]),
        (MembersReplaced.REFUSED, 400, [0]),
        (MembersReplaced.MERGED, 204, [0, 1]),
        (MembersReplaced.IGNORED, 204, [0]),
    ],
)
def test_a_replacement_of_all_members(does: MembersReplaced, status: int, after: list[int]) -> None:
    with serving(replace(GENERIC, members_replaced=does)) as api:
        users = api.users("user", 2)
        team = api.group("team", users[0])

        answer = api.patch(f"/Groups/{team}", add(users[1]) | {"op": "replace"})

        assert answer.status_code == status
        assert api.members(team) == [users[number] for number in after]


@pytest.mark.parametrize(
    ("does", "statuses", "after_none", "after_one"),
    [
        (MembersPut.REPLACED, (200, 200), [], [1]),
        (MembersPut.KEPT_UNLESS_STATED, (200, 200), [0], [1]),
        (MembersPut.IGNORED, (200, 200), [0], [0]),
        (MembersPut.REFUSED, (200, 501), [0], [0]),
    ],
)
def test_members_in_a_put(
    does: MembersPut, statuses: tuple[int, int], after_none: list[int], after_one: list[int]
) -> None:
    with serving(replace(GENERIC, members_put=does)) as api:
        users = api.users("user", 2)
        team = api.group("team", users[0])
        body = {"schemas": [CORE_GROUP], "displayName": "team"}

        first = api.http.put(f"/Groups/{team}", json=body)
        none = api.members(team)
        second = api.http.put(f"/Groups/{team}", json=body | {"members": [{"value": users[1]}]})

        assert (first.status_code, second.status_code) == statuses
        assert none == [users[number] for number in after_none]
        assert api.members(team) == [users[number] for number in after_one]


@pytest.mark.parametrize(
    ("shown", "listed", "read"),
    [
        (MembersShown.ALWAYS, 1, 1),
        (MembersShown.READ, None, 1),
        (MembersShown.EMPTY, 0, 0),
        (MembersShown.NEVER, None, None),
    ],
)
@pytest.mark.parametrize("query", [{}, {"attributes": "displayName,members"}], ids=["whole", "projected"])
def test_where_a_group_tells_its_members(
    shown: MembersShown, listed: int | None, read: int | None, query: dict[str, str]
) -> None:
    with serving(replace(GENERIC, members_shown=shown, group_patch_returns_group=True)) as api:
        team = api.group("team", api.user("ada"))

        def told(group: dict[str, Any]) -> int | None:
            return len(group["members"]) if "members" in group else None

        assert told(api.get("/Groups", **query)["Resources"][0]) == listed
        assert told(api.get(f"/Groups/{team}", **query)) == read
        rename = {"op": "replace", "path": "displayName", "value": "crew"}
        assert told(api.patch(f"/Groups/{team}", rename).json()) == read


def test_users_may_not_tell_their_groups() -> None:
    with serving(replace(GENERIC, user_groups=False)) as api:
        ada = api.user("ada")
        api.group("team", ada)

        assert "groups" not in api.get(f"/Users/{ada}")
        assert "groups" not in api.get("/Users")["Resources"][0]


def test_attributes_and_excluded_attributes_may_be_ignored() -> None:
    with serving(replace(GENERIC, projections=frozenset())) as api:
        ada = api.user("ada")

        assert "displayName" in api.get(f"/Users/{ada}", attributes="userName")
        assert "displayName" in api.get("/Users", excludedAttributes="displayName")["Resources"][0]


@pytest.mark.parametrize("status", [400, 409, 500])
def test_adding_who_is_in_may_be_an_error(status: int) -> None:
    with serving(replace(GENERIC, present_member_status=status)) as api:
        ada, grace = api.users("user", 2)
        team = api.group("team", ada)

        assert api.patch(f"/Groups/{team}", add(grace, ada)).status_code == status
        assert api.members(team) == [ada]
        assert api.patch(f"/Groups/{team}", add(grace)).status_code == 204


@pytest.mark.parametrize(
    ("does", "found"), [(UnknownFilter.NOTHING, 0), (UnknownFilter.EVERYTHING, 2), (UnknownFilter.REFUSED, None)]
)
def test_an_unknown_filter(does: UnknownFilter, found: int | None) -> None:
    rules = replace(GENERIC, filters={Kind.USER: ("userName",), Kind.GROUP: ()}, unknown_filter=does)
    with serving(rules) as api:
        api.users("user", 2)

        answer = api.http.get("/Users", params={"filter": 'displayName eq "user0"'})

        assert answer.json().get("totalResults") == found
        assert len(api.found("/Users", 'userName eq "user0"')) == 1


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(("method", "status"), [("PATCH", 501), ("PUT", 501), ("PUT", 405), ("DELETE", 501)])
def test_a_method_may_be_absent(kind: Kind, method: str, status: int) -> None:
    with serving(replace(GENERIC, absent=frozenset({(method, kind)}), absent_status=status)) as api:
        resource = api.user("ada") if kind is Kind.USER else api.group("team")

        answer = api.http.request(method, f"/{kind}s/{resource}", json=None if method == "DELETE" else {})

        assert answer.status_code == status
        assert ("allow" in answer.headers) == (status == 405)
        assert api.get("/ServiceProviderConfig")["patch"]["supported"] == (method != "PATCH")


@pytest.mark.parametrize(
    ("conflict", "scim_type"), [(Conflict.FULL, "uniqueness"), (Conflict.UNTYPED, None)], ids=["full", "untyped"]
)
def test_a_conflict_may_lack_its_type(conflict: Conflict, scim_type: str | None) -> None:
    with serving(replace(GENERIC, conflict=conflict)) as api:
        api.user("ada")

        assert refusal(api.post_user("ada")) == (409, scim_type)


def test_a_conflict_may_have_no_body() -> None:
    with serving(replace(GENERIC, conflict=Conflict.BODILESS)) as api:
        api.user("ada")
        answer = api.post_user("ada")

        assert (answer.status_code, answer.content) == (409, b"")


def test_a_user_name_may_be_immutable() -> None:
    with serving(replace(GENERIC, user_rename=False)) as api:
        ada = api.user("ada")

        for answer in (
            api.patch(f"/Users/{ada}", {"op": "replace", "path": "userName", "value": "augusta"}),
            api.http.put(f"/Users/{ada}", json={"schemas": [CORE_USER], "userName": "augusta"}),
        ):
            assert refusal(answer) == (400, "mutability")


def test_booleans_may_be_answered_as_strings() -> None:
    with serving(replace(GENERIC, boolean_strings_sent=True)) as api:
        ada = api.user("ada")
        answers = [
            api.get(f"/Users/{ada}"),
            api.get(f"/Users/{ada}", excludedAttributes="title"),
            api.get(f"/Users/{ada}", attributes="active,emails"),
            *api.get("/Users", filter="active eq true")["Resources"],
        ]

        assert [(user["active"], user["emails"][0]["primary"]) for user in answers] == [("True", "True")] * 4


def test_values_may_be_stored_in_lower_case_dropped_or_cut() -> None:
    rules = replace(
        GENERIC,
        lower_cased=("userName", "emails.value"),
        dropped=("nickName", f"{ENTERPRISE_USER}:costCenter", "name.middleName"),
        truncated={"displayName": 5},
    )
    with serving(rules) as api:
        ada = api.user(
            "Ada",
            displayName="Ada Lovelace",
            nickName="A",
            name={"givenName": "Ada", "middleName": "King"},
            **{ENTERPRISE_USER: {"costCenter": "7", "department": "Math"}},
        )
        user = api.get(f"/Users/{ada}")

        assert (user["userName"], user["emails"][0]["value"], user["displayName"]) == (
            "ada",
            "ada@example.com",
            "Ada L",
        )
        assert user["name"] == {"givenName": "Ada"}
        assert user[ENTERPRISE_USER] == {"department": "Math"}
        assert "nickName" not in user
        changed = api.patch(f"/Users/{ada}", {"op": "replace", "path": "userName", "value": "ADA"})
        assert changed.json() == user


def test_display_name_and_name_may_overwrite_each_other() -> None:
    with serving(replace(GENERIC, name_follows_display_name=True)) as api:
        url = f"/Users/{api.user('ada', displayName='Ada Lovelace', name={'givenName': 'X', 'middleName': 'Y'})}"

        def both() -> tuple[str, dict[str, str]]:
            user = api.get(url)
            return user["displayName"], user["name"]

        assert both() == ("Ada Lovelace", {"givenName": "Ada", "familyName": "Lovelace", "middleName": "Y"})
        api.patch(url, {"op": "replace", "path": "name.familyName", "value": "King"})
        assert both() == ("Ada King", {"givenName": "Ada", "familyName": "King", "middleName": "Y"})
        api.patch(url, {"op": "replace", "path": "displayName", "value": "Countess"})
        assert both() == ("Countess", {"givenName": "Countess", "familyName": "King", "middleName": "Y"})
        api.patch(url, {"op": "replace", "path": "title", "value": "Mathematician"})
        assert both() == ("Countess", {"givenName": "Countess", "familyName": "King", "middleName": "Y"})


@pytest.mark.parametrize("deletes", [UserDelete.HARD, UserDelete.UNLINK, UserDelete.SOFT, UserDelete.IRREVERSIBLE])
def test_what_a_delete_of_a_user_leaves(deletes: UserDelete) -> None:
    with serving(replace(GENERIC, user_delete=deletes)) as api:
        ada = api.user("ada")
        team = api.group("team", ada)

        assert api.http.delete(f"/Users/{ada}").status_code == 204

        soft = deletes is UserDelete.SOFT
        assert api.http.get(f"/Users/{ada}").status_code == (200 if soft else 404)
        assert api.members(team) == ([ada] if soft else [])
        comes_back = deletes in (UserDelete.HARD, UserDelete.UNLINK)
        assert api.post_user("ada").status_code == (201 if comes_back else 409)


def test_what_is_hidden_and_gone_outlives_the_server(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    with serving("github-emu") as api:
        api.patch(f"/Users/{api.user('ada')}", replace_active(False))
        api.http.delete(f"/Users/{api.user('grace')}")
        write_data(data, api.sandbox.directory)

    with Sandbox("github-emu", data=data) as again:
        (ada,) = again.directory.search(Kind.USER)
        assert ada.attributes["userName"].endswith("_acme")
        assert ada.concealed["userName"] == "ada"
        assert again.directory.blocked == [("userName", "grace")]
