"""What a probe sees of a server is what that server does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from probes import PEOPLE, Found, probed, questions
from reconciler.capabilities import AttributeRule, MemberAdd, MemberRemove, MembersRead, Paging, UserDelete
from reconciler.model import Kind
from reconciler.probing import NAME_PREFIX
from reconciler.sandbox.behaviour import Behaviour, behaviour
from reconciler.sandbox.behaviour.definition import (
    Conflict,
    Listing,
    MemberForm,
    MembersPut,
    MembersShown,
    UnknownFilter,
    UnknownRemoval,
)
from reconciler.sandbox.behaviour.definition import UserDelete as Deletion
from reconciler.sandbox.faults import FaultRule, Reply, Requests, When
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving

GENERIC = behaviour("generic")
READING = ("users be created", "filters on users", "listings walked", "large is a page")
MEMBERS = ("users be created", "groups be created", "filters on groups", "members added", "members read")
REMOVING = (*MEMBERS, "members removed")

DIALECTS: dict[str, dict[str, Any]] = {
    "generic": {
        "user_filters": ("userName", "externalId", "id", "displayName", "emails.value"),
        "nested_groups": True,
        "etag": True,
        "bulk_operations": 1000,
        "unique_keys": ("User.userName",),
        "user_delete": UserDelete.HARD,
        "exclude_members": True,
    },
    "aws-identity-center": {
        "members_read": MembersRead.USERS_BY_GROUP,
        "user_filters": ("userName", "externalId", "id", "groups.value"),
        "group_filters": ("displayName", "externalId", "id", "members"),
        "filter_operators": ("and", "eq"),
        "put_groups": False,
        "unique_keys": ("User.userName", "User.externalId", "Group.displayName"),
    },
    "entra-style": {"member_remove": MemberRemove.VALUE_ARRAY, "etag": False, "nested_groups": False},
    "salesforce": {
        "member_add": MemberAdd.NESTED_VALUE,
        "member_remove": MemberRemove.NESTED_VALUE,
        "user_delete": UserDelete.SOFT,
    },
    "github-emu": {"user_delete": UserDelete.IRREVERSIBLE, "deactivation_mutates": ("userName", "emails")},
    "atlassian": {
        "group_rename": False,
        "patch_groups": True,
        "filter_operators": ("eq",),
        "unique_keys": ("User.userName", "User.externalId", "User.emails", "Group.displayName"),
    },
    "gitlab": {"paging": Paging.FILTER_ONLY, "groups": False, "put_users": False},
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_probe_finds_what_a_dialect_does(dialect: str) -> None:
    with leaving(Sandbox(dialect, seed=None if dialect == "gitlab" else PEOPLE)) as sandbox:
        found = probed(sandbox)
    assert {name: found.states.get(name) for name in DIALECTS[dialect]} == DIALECTS[dialect]
    assert found.probe.stopped is None


def look(rules: Behaviour, *parts: str) -> Found:
    with leaving(Sandbox(rules, seed=PEOPLE)) as sandbox:
        return probed(sandbox, experiments=questions(*parts))


LISTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "pages by index": ({}, {"paging": Paging.INDEX}),
    "everything at once": ({"listing": Listing.WHOLE}, {"paging": Paging.NONE}),
    "refused": ({"listing": Listing.REFUSED}, {"paging": Paging.FILTER_ONLY}),
    "one of many": ({"listing": Listing.FIRST}, {"paging": Paging.FILTER_ONLY}),
    "one that is made up": ({"listing": Listing.MADE_UP}, {"paging": Paging.FILTER_ONLY}),
    "cursors alone": ({"index_paging": False, "cursor_limit": 50}, {"paging": Paging.CURSOR}),
    "short pages": ({"page_limit": 5}, {"paging": Paging.INDEX, "page_size": 5, "group_page_size": 5}),
    "short pages by cursor": (
        {"index_paging": False, "cursor_limit": 4},
        {"paging": Paging.CURSOR, "page_size": 4, "group_page_size": 4},
    ),
    "ignored filters": ({"filters": {}, "unknown_filter": UnknownFilter.EVERYTHING}, {"user_filters": ()}),
    "empty filters": ({"filters": {}, "unknown_filter": UnknownFilter.NOTHING}, {"user_filters": ()}),
}


@pytest.mark.parametrize("quirk", LISTINGS)
def test_a_probe_finds_how_a_server_is_listed(quirk: str) -> None:
    changes, expected = LISTINGS[quirk]
    found = look(replace(GENERIC, **changes), *READING)
    assert {name: found.states.get(name) for name in expected} == expected


def test_a_page_that_holds_everybody_tells_nothing_of_its_limit() -> None:
    assert "page_size" not in look(GENERIC, *READING).states


REMOVALS: dict[str, tuple[dict[str, Any], MemberRemove, str]] = {
    "another form is refused": (
        {"member_removals": frozenset({MemberForm.VALUE_ARRAY})},
        MemberRemove.VALUE_ARRAY,
        "path-filter: refused (400 invalidSyntax)",
    ),
    "another form does nothing": (
        {"member_removals": frozenset({MemberForm.NESTED_VALUE}), "unknown_removal": UnknownRemoval.IGNORED},
        MemberRemove.NESTED_VALUE,
        "path-filter: accepted, nobody was removed",
    ),
    "another form removes everybody": (
        {"member_removals": frozenset({MemberForm.NESTED_VALUE}), "unknown_removal": UnknownRemoval.EMPTIES},
        MemberRemove.NESTED_VALUE,
        "path-filter: EMPTIED the group; value-array: EMPTIED the group; nested-value: works",
    ),
    "no form of PATCH": (
        {"member_removals": frozenset(), "unknown_removal": UnknownRemoval.NOT_IMPLEMENTED},
        MemberRemove.PUT,
        "path-filter: refused (501)",
    ),
}


@pytest.mark.parametrize("quirk", REMOVALS)
def test_a_probe_finds_the_form_that_removes_a_member_and_what_the_others_do(quirk: str) -> None:
    changes, form, told = REMOVALS[quirk]
    found = look(replace(GENERIC, **changes), *REMOVING)
    assert found.states["member_remove"] is form
    assert told in found.answer("members removed").seen


SHOWN: dict[str, tuple[dict[str, Any], MembersRead]] = {
    "in listings": ({}, MembersRead.LISTING),
    "in single groups": ({"members_shown": MembersShown.READ}, MembersRead.GROUP),
    "in users": ({"members_shown": MembersShown.NEVER}, MembersRead.USER_GROUPS),
    "by a filter on users": ({"members_shown": MembersShown.EMPTY, "user_groups": False}, MembersRead.USERS_BY_GROUP),
    "by a filter on groups": (
        {
            "members_shown": MembersShown.EMPTY,
            "user_groups": False,
            "filters": {Kind.USER: ("userName",), Kind.GROUP: ("displayName", "id members")},
            "filter_operators": ("eq", "and"),
        },
        MembersRead.PROBE,
    ),
    "nowhere": (
        {
            "members_shown": MembersShown.NEVER,
            "user_groups": False,
            "filters": {Kind.USER: ("userName",), Kind.GROUP: ("displayName",)},
        },
        MembersRead.NONE,
    ),
}


@pytest.mark.parametrize("where", SHOWN)
def test_a_probe_finds_where_members_can_be_read(where: str) -> None:
    changes, way = SHOWN[where]
    assert look(replace(GENERIC, **changes), *MEMBERS).states["members_read"] is way


SINGLE: dict[str, tuple[dict[str, Any], tuple[str, ...], dict[str, Any]]] = {
    "no PATCH of users": (
        {"absent": frozenset({("PATCH", Kind.USER)})},
        ("users be created", "users be changed"),
        {"patch_users": False, "put_users": True},
    ),
    "no PATCH of groups": (
        {"absent": frozenset({("PATCH", Kind.GROUP)})},
        (*REMOVING, "PUT of a group", "groups be renamed"),
        {
            "patch_groups": False,
            "put_groups": True,
            "group_rename": True,
            "member_add": MemberAdd.PUT,
            "member_remove": MemberRemove.PUT,
        },
    ),
    "PUT ignores members": ({"members_put": MembersPut.IGNORED}, (*REMOVING, "PUT of a group"), {"put_groups": False}),
    "versions": ({"versions": False}, ("users be created", "If-Match"), {"etag": False}),
    "deletes nothing": (
        {"user_delete": Deletion.SOFT},
        ("users be created", "DELETE"),
        {"user_delete": UserDelete.SOFT},
    ),
    "conflicts without a body": (
        {"conflict": Conflict.BODILESS, "unique": {Kind.USER: ("userName", "externalId"), Kind.GROUP: ("externalId",)}},
        ("users be created", "groups be created", "unique"),
        {"unique_keys": ("User.userName", "User.externalId", "Group.externalId")},
    ),
}


@pytest.mark.parametrize("quirk", SINGLE)
def test_a_probe_finds_a_single_quirk(quirk: str) -> None:
    changes, parts, expected = SINGLE[quirk]
    found = look(replace(GENERIC, **changes), *parts)
    assert {name: found.states.get(name) for name in expected} == expected


def test_attributes_that_are_dropped_or_rewritten_are_named() -> None:
    rules = replace(
        GENERIC, dropped=("title", "phoneNumbers.type"), lower_cased=("externalId",), truncated={"nickName": 5}
    )
    found = look(rules, "users be created", "kept as written")
    assert found.rules == {
        AttributeRule(path="User.title", returned="never"),
        AttributeRule(path="User.phoneNumbers.type", returned="never"),
        AttributeRule(path="User.externalId", case_exact=False),
    }
    assert "stored otherwise than written: nickName" in found.answer("kept as written").seen


def test_a_name_that_cannot_be_changed_is_immutable() -> None:
    found = look(replace(GENERIC, user_rename=False), "users be created", "users be renamed")
    assert found.rules == {AttributeRule(path="User.userName", mutability="immutable")}


def test_where_the_whole_user_is_refused_every_attribute_is_tried_by_itself() -> None:
    refuses = FaultRule(fault=Reply(status=400), requests=Requests(body="Probe Nick"))
    with leaving(Sandbox(replace(GENERIC, dropped=("title",)), faults=[refuses])) as sandbox:
        found = probed(sandbox, experiments=questions("users be created", "kept as written"))
    assert "refused: nickName" in found.answer("kept as written").seen
    assert found.rules == {AttributeRule(path="User.title", returned="never")}


def test_fewer_attributes_are_tried_where_a_new_user_is_refused() -> None:
    refuses = FaultRule(fault=Reply(status=400), requests=Requests(methods=("POST",), body='"externalId"'))
    with leaving(Sandbox(GENERIC, faults=[refuses])) as sandbox:
        found = probed(sandbox, experiments=questions("users be created", "filters on users", "unique"))
    assert found.answer("users be created").seen == (
        "yes, with userName, name, displayName, emails, active; before that: refused (400)"
    )
    assert found.states["unique_keys"] == ("User.userName",)


def test_a_group_that_cannot_be_empty_is_made_with_a_member() -> None:
    """Groups are refused unless somebody is in them."""
    empty = [Requests(methods=("POST",), path="/Groups", body=f'"displayName":"{NAME_PREFIX}')]
    with leaving(Sandbox(GENERIC)) as sandbox:
        sandbox.use_faults([FaultRule(fault=Reply(status=400), requests=one, when=When(count=2)) for one in empty])
        found = probed(sandbox, experiments=questions(*REMOVING))
    assert found.answer("groups be created").seen == "only with a member; without one: refused (400)"
    assert found.states["member_remove"] is MemberRemove.PATH_FILTER


def test_a_server_that_takes_no_users_ends_the_probe_and_nothing_is_stated() -> None:
    with leaving(Sandbox(replace(GENERIC, required=("title",)))) as sandbox:
        found = probed(sandbox)
    assert found.states == {}
    assert found.probe.stopped == "no user can be made: refused (400 invalidValue)"


def test_a_server_that_fails_at_a_count_is_asked_without() -> None:
    fails = FaultRule(fault=Reply(status=500), requests=Requests(methods=("GET",), query="count="))
    with leaving(Sandbox(GENERIC, seed=PEOPLE, faults=[fails])) as sandbox:
        found = probed(sandbox, experiments=questions("users be created", "filters on users", "listings walked"))
    assert found.states["user_filters"] == ("userName", "externalId", "id", "displayName", "emails.value")
    assert found.states["paging"] is Paging.NONE


def test_what_cannot_be_determined_states_nothing() -> None:
    rules = replace(GENERIC, member_additions=frozenset(), members_put=MembersPut.IGNORED)
    found = look(rules, *REMOVING, "PUT of a group", "at once")
    assert not {"member_add", "member_remove", "put_groups"} & set(found.states)
    assert not found.answer("members removed").determined
