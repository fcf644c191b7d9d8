"""The store behind the embedded directory: whatever happens to it, its parts agree."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.attributes import CORE_GROUP, CORE_USER
from reconciler.filters import eq
from reconciler.model import Kind
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.directory import Directory
from reconciler.sandbox.errors import RequestRefusedError
from reconciler.sandbox.patch import PATCH_URN
from thoroughness import cases

NAMES = st.sampled_from(["ada", "Ada", "grace", "alan"])
POSITIONS = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(st.just("create user"), NAMES),
    st.tuples(st.just("create group"), NAMES),
    st.tuples(st.just("delete"), st.sampled_from(Kind), POSITIONS),
    st.tuples(st.just("rename"), st.sampled_from(Kind), POSITIONS, NAMES),
    st.tuples(st.just("members"), st.sampled_from(["add", "replace", "remove"]), POSITIONS, st.lists(POSITIONS)),
)


def user(name: str) -> dict[str, Any]:
    return {
        "schemas": [CORE_USER],
        "userName": name,
        "externalId": name,
        "emails": [{"value": f"{name}@example.com", "primary": True}],
    }


def take(directory: Directory, step: tuple[Any, ...]) -> None:
    """Do one step, on the resource at a position where it needs one."""

    def at(kind: Kind, position: int) -> str:
        found = directory.search(kind)
        return found[position % len(found)].id if found else "nobody"

    def patch(kind: Kind, position: int, operation: dict[str, Any]) -> None:
        directory.patch(kind, at(kind, position), {"schemas": [PATCH_URN], "Operations": [operation]})

    match step:
        case ("create user", name):
            directory.create(Kind.USER, user(name))
        case ("create group", name):
            directory.create(Kind.GROUP, {"schemas": [CORE_GROUP], "displayName": name})
        case ("delete", kind, position):
            directory.delete(kind, at(kind, position))
        case ("rename", kind, position, name):
            patch(kind, position, {"op": "replace", "path": kind.naming_attribute, "value": name})
        case ("members", "remove", group, members):
            for member in members:
                path = f'members[value eq "{at(Kind.USER, member)}"]'
                patch(Kind.GROUP, group, {"op": "remove", "path": path})
        case ("members", op, group, members):
            value = [{"value": at(Kind.USER, member)} for member in members]
            patch(Kind.GROUP, group, {"op": op, "path": "members", "value": value})


@settings(max_examples=cases(60, thorough=300), deadline=None)
@given(st.sampled_from(["generic", "atlassian"]), st.lists(STEPS, max_size=15))
def test_whatever_was_done_every_view_of_it_is_the_same(dialect: str, steps: list[tuple[Any, ...]]) -> None:
    directory = Directory(behaviour(dialect))
    for step in steps:
        with suppress(RequestRefusedError):
            take(directory, step)
        # Reading in between fills the caches that the next step must empty.
        for kind in Kind:
            for record in directory.search(kind):
                whole = directory.representation.whole(record)
                assert msgspec.json.decode(directory.representation.encoded(record)) == whole

    groups, users = directory.resources(Kind.GROUP), directory.resources(Kind.USER)
    edges = {(group["id"], member["value"]) for group in groups for member in group.get("members", [])}
    assert edges == {(group["value"], user["id"]) for user in users for group in user.get("groups", [])}
    for resource in users:
        by_name = directory.search(Kind.USER, eq("userName", resource["userName"].upper()))
        assert [record.id for record in by_name] == [resource["id"]]
    if directory.behaviour.group_of_all:
        assert {user["id"] for user in users} == {member for group, member in edges if group == groups[0]["id"]}


def test_a_group_of_many_members_changes_one_without_touching_the_others() -> None:
    directory = Directory(behaviour("generic"))
    ids = [directory.create(Kind.USER, user(f"user{number}")).id for number in range(500)]
    body = {"schemas": [CORE_GROUP], "displayName": "all", "members": [{"value": member} for member in ids]}
    group = directory.create(Kind.GROUP, body).id
    encoded = [directory.representation.encoded(record) for record in directory.search(Kind.USER)]

    operation = {"op": "remove", "path": f'members[value eq "{ids[7]}"]'}
    directory.patch(Kind.GROUP, group, {"schemas": [PATCH_URN], "Operations": [operation]})

    after = [directory.representation.encoded(record) for record in directory.search(Kind.USER)]
    assert [number for number, (old, new) in enumerate(zip(encoded, after, strict=True)) if old is not new] == [7]
