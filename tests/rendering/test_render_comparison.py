"""What separates two plans, as people and programs read it."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from golden_files import assert_golden
from reconciler.planning import Action, Change, Edge, Plan, Precondition, Reason
from reconciler.planning.comparing import compare
from reconciler.planning.document import seal
from reconciler.planning.plan import Allowed
from reconciler.rendering.comparison import comparison_document, render_comparison, summary_of
from sample_plans import SAMPLES, every_kind, group_step, hostile, make_plan, many_members, user_step

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def removed(*names: str) -> tuple[Edge, ...]:
    return tuple(Edge(name=name, reason=Reason.NOT_LISTED) for name in names)


def reviewed() -> Plan:
    """What somebody has read and approved."""
    return make_plan(
        user_step(
            Action.UPDATE,
            "ada@example.com",
            Reason.DIFFERS,
            changes=(
                Change(path="title", before="Engineer", after="Principal Engineer"),
                Change(path="nickName", after="Ada"),
            ),
            precondition=Precondition(paths=("nickName", "title"), digest="sha256:1"),
        ),
        user_step(Action.CREATE, "eve@example.com", Reason.NOT_IN_DIRECTORY),
        user_step(Action.DEACTIVATE, "leaver@example.com", Reason.UNLISTED),
        group_step(Action.REMOVE_MEMBERS, "team-core", members=removed("old@example.com", "gone@example.com")),
    )


def todays() -> Plan:
    """What would be done now."""
    plan = make_plan(
        user_step(
            Action.UPDATE,
            "ada@example.com",
            Reason.DIFFERS,
            changes=(
                Change(path="title", before="Director", after="Principal Engineer"),
                Change(path="userName", before="ada@example.com", after="ada.b@example.com", identity=True),
            ),
            precondition=Precondition(paths=("nickName", "title"), digest="sha256:2"),
        ),
        group_step(Action.REMOVE_MEMBERS, "team-core", members=removed("old@example.com", "boss@example.com")),
        user_step(Action.DEACTIVATE, "leaver@example.com", Reason.UNLISTED),
        user_step(Action.DELETE, "purged@example.com", Reason.UNLISTED),
        allowances=(Allowed(allowance="users.delete=1", reason="OPS-1234"),),
    )
    return seal(msgspec.structs.replace(plan, as_of="2026-11-23T00:00:00Z"))


def test_a_comparison_reads_as_it_did_when_it_was_last_looked_at() -> None:
    assert_golden("comparison.txt", render_comparison(compare(reviewed(), todays()), color=False))


def test_a_comparison_of_hostile_plans_reads_as_it_did_when_it_was_last_looked_at() -> None:
    assert_golden("comparison.hostile.txt", render_comparison(compare(reviewed(), hostile()), color=False))


@pytest.mark.parametrize("old", SAMPLES)
@pytest.mark.parametrize("new", ["every_kind", "hostile", "refused", "long_values"])
def test_nothing_that_a_terminal_obeys_is_shown(old: str, new: str) -> None:
    for pair in ((SAMPLES[old](), SAMPLES[new]()), (SAMPLES[new](), SAMPLES[old]())):
        found = compare(*pair)
        text = render_comparison(found, color=False)
        assert all(line.isprintable() and not line.lstrip().startswith("::") for line in text.split("\n"))
        assert ANSI.sub("", render_comparison(found, color=True)) == text


def test_the_first_line_says_it_all() -> None:
    found = compare(reviewed(), todays())
    text = render_comparison(found, color=True)
    assert text.splitlines()[0] == summary_of(found)
    assert summary_of(found) == (
        "Compared: 1 step new, 1 gone, 2 different, 1 the same. "
        "New risks: users.delete 1, members.remove 1, identity.change 1."
    )


def test_two_equal_plans_are_one_line() -> None:
    text = render_comparison(compare(every_kind(), every_kind()), color=False)
    assert text == f"Compared: both plans hold the same {len(every_kind().steps)} steps.\n"


def test_credentials_in_the_address_of_a_directory_are_not_shown() -> None:
    assert "secret" not in render_comparison(compare(reviewed(), hostile()), color=False)


def test_many_memberships_are_folded_unless_all_are_asked_for() -> None:
    *_, last = many_members().steps
    grown = msgspec.structs.replace(last, members=removed(*(f"{number}@example.com" for number in range(30))))
    found = compare(make_plan(last), make_plan(grown))
    assert "… 10 more now removed too (--full shows all)" in render_comparison(found, color=False)
    assert "29@example.com: now removed too" in render_comparison(found, color=False, full=True)


def test_the_document_holds_the_summary_the_risks_and_every_difference() -> None:
    document = comparison_document(compare(reviewed(), todays()))
    assert json.loads(json.dumps(document)) == document
    assert document["equivalent"] is False
    assert document["risks"] == {"users.delete": 1, "members.remove": 1, "identity.change": 1}
    assert document["alarms"] == ["the newer plan lifts a guard: users.delete=1 (OPS-1234)"]
    assert [step["id"] for step in document["new"]] == ["delete user:purged@example.com"]
    assert [gone["step"]["id"] for gone in document["gone"]] == ["create user:eve@example.com"]
    assert document["changed"][0]["members_new"][0]["name"] == "boss@example.com"
    assert document["provenance"][0] == {
        "what": "as_of",
        "old": "2026-11-22T00:00:00Z",
        "new": "2026-11-23T00:00:00Z",
    }
    assert document["same"] == 1
