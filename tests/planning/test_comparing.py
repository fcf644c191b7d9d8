"""What separates a reviewed plan from today's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_and_live import group, live_group, live_user, planned, user
from reconciler.model import Kind, TimerName
from reconciler.planning import Action, Change, Edge, Note, Plan, Precondition, Reason, Step, Verdict, decode, encode
from reconciler.planning.comparing import Difference, compare
from reconciler.planning.document import seal
from reconciler.planning.plan import Allowed, LeftOut, Pending
from reconciler.planning.signing import fingerprint, generate, sign
from sample_plans import SAMPLES, every_kind, group_step, listed, make_plan, many_members, user_step

ADA = "ada@example.com"


def update(*changes: Change, name: str = ADA, digest: str = "sha256:1", **fields: Any) -> Step:
    precondition = Precondition(paths=tuple(change.path for change in changes), digest=digest)
    return user_step(Action.UPDATE, name, Reason.DIFFERS, changes=changes, precondition=precondition, **fields)


def title(after: str, before: str | None = None) -> Change:
    return Change(path="title", before=before, after=after)


def removal(*names: str, **fields: Any) -> Step:
    edges = tuple(Edge(name=name, id=f"id-{name}", reason=Reason.NOT_LISTED) for name in names)
    return group_step(Action.REMOVE_MEMBERS, "team-core", members=edges, **fields)


def leaver(name: str = ADA, **fields: Any) -> Step:
    return user_step(Action.DEACTIVATE, name, Reason.UNLISTED, **fields)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_plan_is_the_same_as_itself(name: str) -> None:
    found = compare(SAMPLES[name](), decode(encode(SAMPLES[name]())))
    assert found.equivalent
    assert (found.new, found.changed, found.gone, found.provenance, found.warnings, dict(found.risks)) == (
        (),
        (),
        (),
        (),
        (),
        {},
    )


plans = st.sampled_from(sorted(SAMPLES)).map(lambda name: SAMPLES[name]())


@given(old=plans, new=plans, data=st.data())
def test_every_step_is_told_of_once_on_each_side(old: Plan, new: Plan, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(new.steps), unique_by=lambda step: step.id) if new.steps else st.just([]))
    new = seal(msgspec.structs.replace(new, steps=tuple(kept)))
    found = compare(old, new)
    back = compare(new, old)
    assert found.same + len(found.changed) + len(found.new) == back.same + len(back.changed) + len(back.gone)
    assert [step.id for step in sorted(found.new, key=lambda step: step.id)] == sorted(
        gone.step.id for gone in back.gone
    )
    assert {step.id for step in found.new} <= {step.id for step in new.steps}
    assert {gone.step.id for gone in found.gone} <= {step.id for step in old.steps}


def test_where_things_stand_and_how_they_are_cut_makes_no_difference() -> None:
    (first, second, third, fourth) = many_members().steps
    moved = [msgspec.structs.replace(step, origin="other.yaml:1", chunk=9, needs=("x",)) for step in (fourth, first)]
    rest = msgspec.structs.replace(second, members=third.members + second.members, id="add_members group:team-all 2/2")
    found = compare(many_members(), make_plan(*moved, rest))
    assert (found.equivalent, found.same) == (True, 2)


def test_a_step_that_only_the_newer_plan_holds_was_reviewed_by_nobody() -> None:
    found = compare(make_plan(), make_plan(leaver()))
    assert [step.id for step in found.new] == [f"deactivate user:{ADA}"]
    assert dict(found.risks) == {"users.deactivate": 1}
    assert not found.equivalent


def test_what_takes_something_away_comes_first_and_the_worst_of_it_on_top() -> None:
    found = compare(make_plan(), every_kind())
    assert [step.action for step in found.new][:6] == [
        Action.DELETE,
        Action.DELETE,
        Action.DEACTIVATE,
        Action.DEACTIVATE,
        Action.DEACTIVATE,
        Action.REMOVE_MEMBERS,
    ]
    assert found.new[0].kind is Kind.USER
    assert all(step.identity for step in found.new[6:9])
    assert dict(found.risks) == {
        "users.delete": 1,
        "groups.delete": 1,
        "users.deactivate": 3,
        "members.remove": 4,
        "identity.change": 3,
    }


def test_attributes_are_compared_one_by_one() -> None:
    old = update(title("A"), Change(path="nickName", after="N"), Change(path="locale", after="de"))
    new = update(title("B"), Change(path="timezone", after="UTC"), Change(path="locale", after="de"))
    (difference,) = compare(make_plan(old), make_plan(new)).changed
    assert [(one.path, one.old and one.old.after, one.new and one.new.after) for one in difference.changes] == [
        ("title", "A", "B"),
        ("timezone", None, "UTC"),
        ("nickName", "N", None),
    ]
    assert not difference.moved


def test_a_directory_that_moved_under_a_step_is_told() -> None:
    old, new = update(title("C", before="A")), update(title("C", before="B"), digest="sha256:2")
    (difference,) = compare(make_plan(old), make_plan(new)).changed
    assert difference.moved
    assert [(one.path, one.old and one.old.before, one.new and one.new.before) for one in difference.changes] == [
        ("title", "A", "B")
    ]


def test_a_deletion_is_told_to_rest_on_other_values_even_where_it_writes_none() -> None:
    steps = [
        user_step(Action.DELETE, ADA, Reason.UNLISTED, precondition=Precondition(paths=("active",), digest=digest))
        for digest in ("sha256:1", "sha256:2")
    ]
    (difference,) = compare(make_plan(steps[0]), make_plan(steps[1])).changed
    assert difference.moved


def test_a_digest_over_other_attributes_says_nothing_of_the_directory() -> None:
    (difference,) = compare(
        make_plan(update(title("A"))), make_plan(update(title("A"), Change(path="x", after=1), digest="sha256:2"))
    ).changed
    assert not difference.moved


def test_memberships_are_compared_one_by_one() -> None:
    old, new = removal("bob", "eve"), removal("eve", "kay", "lin")
    (difference,) = compare(make_plan(old), make_plan(new)).changed
    assert [edge.name for edge in difference.members_new] == ["kay", "lin"]
    assert [edge.name for edge in difference.members_gone] == ["bob"]
    assert dict(difference.risks) == {"members.remove": 2}


def test_memberships_that_are_added_too_are_no_risk() -> None:
    steps = [group_step(Action.ADD_MEMBERS, "team", members=tuple(map(listed, names))) for names in ("a", "ab")]
    found = compare(make_plan(steps[0]), make_plan(steps[1]))
    assert [edge.name for edge in found.changed[0].members_new] == ["b"]
    assert dict(found.risks) == {}


def test_an_identity_that_changes_otherwise_is_a_risk() -> None:
    old, new = (update(Change(path="userName", after=name, identity=True)) for name in ("a", "b"))
    assert dict(compare(make_plan(old), make_plan(new)).risks) == {"identity.change": 1}
    unchanged = update(Change(path="userName", after="a", identity=True), title("B"))
    assert dict(compare(make_plan(old), make_plan(unchanged)).risks) == {}


def test_a_resource_is_known_by_its_id_whatever_it_is_called() -> None:
    old, new = leaver(), msgspec.structs.replace(leaver("ada.new@example.com"), resource_id=f"id-{ADA}")
    found = compare(make_plan(old), make_plan(new))
    assert (found.new, found.gone) == ((), ())
    assert found.changed[0].facts == (Difference(what="name", old=ADA, new="ada.new@example.com"),)


def test_another_resource_with_the_same_name_was_reviewed_by_nobody() -> None:
    found = compare(make_plan(leaver()), make_plan(msgspec.structs.replace(leaver(), resource_id="other")))
    assert [step.resource_id for step in found.new] == ["other"]
    assert [gone.step.resource_id for gone in found.gone] == [f"id-{ADA}"]


def test_another_member_with_the_same_name_was_reviewed_by_nobody() -> None:
    edges = [Edge(name=ADA, id=member, reason=Reason.NOT_LISTED) for member in ("1", "2")]
    old, new = (group_step(Action.REMOVE_MEMBERS, "team", members=(edge,)) for edge in edges)
    (difference,) = compare(make_plan(old), make_plan(new)).changed
    assert (difference.members_new, difference.members_gone) == ((edges[1],), (edges[0],))


def test_a_group_that_exists_now_is_the_one_that_was_to_be_created() -> None:
    old = group_step(Action.ADD_MEMBERS, "Team", resource_id=None, members=(listed(ADA),))
    new = group_step(Action.ADD_MEMBERS, "team", resource_id="g1", members=(listed(ADA, id="u1"),))
    (difference,) = compare(make_plan(old), make_plan(new)).changed
    assert {fact.what: (fact.old, fact.new) for fact in difference.facts} == {
        "name": ("Team", "team"),
        "resource_id": (None, "g1"),
    }
    assert (difference.members_new, difference.members_gone) == ((), ())


def test_what_the_newer_plan_says_of_a_step_that_is_gone_is_told() -> None:
    waits = Pending(
        action=Action.DEACTIVATE,
        kind=Kind.USER,
        id="id-eve",
        name="eve",
        timer=TimerName.UNLISTED,
        since="2026-11-20T00:00:00Z",
        until="2026-11-27T00:00:00Z",
    )
    old = make_plan(leaver(), leaver("eve"), leaver("bob"), leaver("kay"), leaver("lin"))
    new = make_plan(
        pending=(waits,),
        left_out=(
            LeftOut(step="deactivate user:bob", why="only"),
            LeftOut(step="deactivate user:kay", why="auto_approve"),
            LeftOut(step="deactivate user:lin", why="needs “deactivate user:kay”"),
        ),
    )
    assert {gone.step.name: gone.why for gone in compare(old, new).gone} == {
        ADA: None,
        "eve": "pending until 2026-11-27T00:00:00Z",
        "bob": "left out: --only",
        "kay": "left out: auto_approve",
        "lin": "left out: needs “deactivate user:kay”",
    }


def test_what_was_applied_is_gone_while_the_files_are_the_same() -> None:
    stated = [user(ADA, title="new"), group("team", [ADA])]
    before = planned(stated, [live_user("u1", ADA, title="old"), live_group("g1", "team")])
    after = planned(stated, [live_user("u1", ADA, title="new"), live_group("g1", "team", ["u1"])])
    found = compare(before, after)
    assert (found.same_files, len(found.gone), found.new, found.changed) == (True, 2, (), ())


def replaced(**fields: Any) -> Plan:
    return seal(msgspec.structs.replace(every_kind(), **fields))


REFUSED = Verdict(guard="users.deactivate", passed=False, number=30, limit="20")


@pytest.mark.parametrize(
    ("fields", "what", "values"),
    [
        ({"tool": "reconciler 9"}, "tool", ("reconciler 0.1.0", "reconciler 9")),
        ({"as_of": "2026-11-23T00:00:00Z"}, "as_of", ("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z")),
        ({"reason": "OPS-1"}, "reason", (None, "OPS-1")),
        ({"undoes": "20261122-1"}, "undoes", (None, "20261122-1")),
        ({"only": ("user:x",)}, "only", ([], ["user:x"])),
        ({"confirm_replace": True}, "confirm_replace", (False, True)),
        ({"guards": (REFUSED,)}, "guard users.deactivate", (None, "refuses: 30 counted, the limit is 20")),
        (
            {"allowances": (Allowed(allowance="users.deactivate=40", reason="OPS-1"),)},
            "allowances",
            ([], ["users.deactivate=40 (OPS-1)"]),
        ),
        (
            {"capabilities": {**every_kind().capabilities, "paging": "none"}},
            "capabilities.paging",
            (every_kind().capabilities["paging"], "none"),
        ),
        (
            {"desired": msgspec.structs.replace(every_kind().desired, commit="abc")},
            "desired.commit",
            (every_kind().desired.commit, "abc"),
        ),
        ({"live": msgspec.structs.replace(every_kind().live, users=7)}, "live.users", (1203, 7)),
    ],
)
def test_how_the_plans_were_made_is_compared(fields: Mapping[str, Any], what: str, values: tuple[Any, Any]) -> None:
    found = compare(every_kind(), replaced(**fields))
    assert found.provenance == (Difference(what=what, old=values[0], new=values[1]),)
    assert found.same == len(every_kind().steps)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda plan: {"directory": msgspec.structs.replace(plan.directory, name="other")}, "different directories"),
        (lambda plan: {"directory": msgspec.structs.replace(plan.directory, base_url="x")}, "different directories"),
        (lambda _: {"guards": (REFUSED,)}, "the guard users.deactivate refuses the newer plan"),
        (lambda _: {"allowances": (Allowed(allowance="users.delete", reason="OPS-1"),)}, "users.delete (OPS-1)"),
    ],
)
def test_what_must_be_known_first_is_an_alarm(change: Callable[[Plan], dict[str, Any]], told: str) -> None:
    found = compare(every_kind(), replaced(**change(every_kind())))
    assert len(found.alarms) == 1
    assert told in found.alarms[0]
    assert not found.equivalent


def test_plans_signed_by_different_keys_are_an_alarm_and_a_missing_signature_is_none() -> None:
    pairs = (generate(), generate())
    one, other = (sign(every_kind(), private) for private, _ in pairs)
    assert compare(one, other).alarms == (
        f"the plans are signed by different keys: {fingerprint(pairs[0][1])} and {fingerprint(pairs[1][1])}",
    )
    unsigned = compare(one, every_kind())
    assert unsigned.equivalent
    assert unsigned.provenance == (Difference(what="signed_by", old=fingerprint(pairs[0][1])),)


def test_warnings_that_nobody_has_read_are_told() -> None:
    warning = Note(severity="warning", code="x", message="something is odd")
    note = Note(severity="note", code="x", message="something is usual")
    assert compare(make_plan(), make_plan(notes=(warning, note))).warnings == (warning,)
    assert compare(make_plan(notes=(warning,)), make_plan(notes=(warning, note))).warnings == ()


def test_other_files_are_told_from_the_same() -> None:
    other = msgspec.structs.replace(every_kind().desired, digest="sha256:0")
    assert compare(every_kind(), every_kind()).same_files
    assert not compare(every_kind(), replaced(desired=other)).same_files


def test_ten_thousand_steps_are_compared_by_looking_at_each_once() -> None:
    steps = [leaver(f"{number}@example.com") for number in range(5_000)]
    found = compare(make_plan(*steps), make_plan(*reversed(steps)))
    assert (found.same, found.equivalent) == (5_000, True)


def test_a_comparison_is_plain_json() -> None:
    found = compare(every_kind(), make_plan(leaver()))
    assert json.loads(msgspec.json.encode(found))["new"][0]["name"] == ADA
