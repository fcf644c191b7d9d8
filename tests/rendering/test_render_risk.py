"""What a reviewer is told to look at first."""

from __future__ import annotations

import pytest

from access_plans import effect
from reconciler.model import Kind
from reconciler.planning import Action, Change, Edge, Plan, Reason, Verdict
from reconciler.planning.effect import AccessChange, Effect, GroupEffect, UserEffect
from reconciler.planning.plan import Allowed
from reconciler.rendering.risk import CODES, Risk, risks
from sample_plans import ALL, group_step, make_plan, user_step


def found(plan: Plan) -> dict[str, Risk]:
    return {risk.code: risk for risk in risks(plan)}


def titles(name: str) -> list[str]:
    return [risk.title for risk in risks(ALL[name]())]


@pytest.mark.parametrize("name", ["empty", "tiny", "waiting", "many_members", "long_values", "since"])
def test_a_plan_without_risk_has_nothing_to_look_at_first(name: str) -> None:
    assert titles(name) == []


def test_the_most_serious_comes_first() -> None:
    assert titles("every_kind") == [
        "1 user is deleted",
        "1 group is deleted",
        "2 identities change (name, externalId or e-mail)",
        "3 users are deactivated",
        "1 inactive account works again",
        "1 user or group is adopted",
    ]


@pytest.mark.parametrize("name", ALL)
def test_no_medium_risk_stands_before_a_high_one(name: str) -> None:
    made = risks(ALL[name]())
    severities = [risk.severity for risk in made]
    assert severities == sorted(severities)  # "high" before "medium"
    assert [risk.code for risk in made] == sorted((risk.code for risk in made), key=CODES.index)


@pytest.mark.parametrize("name", ALL)
def test_every_risk_names_steps_of_the_plan_and_titles_hold_nothing_foreign(name: str) -> None:
    plan = ALL[name]()
    ids = {step.id for step in plan.steps}
    for risk in risks(plan):
        assert name in ("hostile", "every_plane") or set(risk.steps) <= ids
        assert risk.title.startswith(f"{risk.number:,} ")
        assert risk.title.isascii()
        assert "@" not in risk.title


def test_what_is_only_linked_changes_no_identity() -> None:
    assert list(found(ALL["adoption"]())) == ["adopted"]
    renamed = Change(path="userName", before="a@example.com", after="b@example.com", identity=True)
    linked = Change(path="externalId", after="7", identity=True)
    step = user_step(Action.UPDATE, "a@example.com", Reason.ADOPTED, changes=(renamed, linked))
    assert list(found(make_plan(step))) == ["identity"]


def test_a_replaced_group_is_told_once_and_not_as_a_deletion() -> None:
    risk = found(ALL["replacement"]())
    assert list(risk) == ["group-replaced"]
    assert risk["group-replaced"].facts == ("team-infra → team-platform",)
    assert len(risk["group-replaced"].steps) == 2


def test_the_batches_of_a_privileged_group_are_one_group() -> None:
    steps = [
        group_step(
            Action.ADD_MEMBERS,
            "team-admins",
            id=f"add {part}",
            privileged=True,
            members=(Edge(name=f"{part}@example.com", reason=Reason.LISTED),),
        )
        for part in range(3)
    ]
    risk = found(make_plan(*steps))["privileged-group"]
    assert (risk.number, risk.addresses, len(risk.steps)) == (1, ("group:team-admins",), 3)


def leaving(*, deactivated: bool) -> Plan:
    """Somebody loses the last group, and the account or not."""
    step = user_step(Action.DEACTIVATE, "ada@example.com", Reason.UNLISTED)
    taken = group_step(Action.DELETE, "team-x", Reason.UNLISTED)
    lost = AccessChange(step=step.id if deactivated else taken.id, users=("ada@example.com",))
    gone = GroupEffect(name="team-x", id="id-team-x", before=1, after=0, lost=(lost,))
    return make_plan(step if deactivated else taken, effect=effect(gone))


def test_a_leaver_is_meant_to_lose_the_last_group_and_others_are_not() -> None:
    assert "last-group" not in found(leaving(deactivated=True))
    risk = found(leaving(deactivated=False))["last-group"]
    assert (risk.addresses, risk.steps) == (("user:ada@example.com",), ("delete group:team-x",))


def test_whoever_takes_the_name_of_a_leaver_is_not_taken_for_the_leaver() -> None:
    taken = group_step(Action.DELETE, "team-x", Reason.UNLISTED)
    leaves = user_step(Action.DELETE, "desk@example.com", Reason.UNLISTED, resource_id="u1")
    lost = AccessChange(step=taken.id, users=("desk@example.com",))
    both = tuple(UserEffect(name="desk@example.com", id=one, before=1, after=0) for one in ("u1", "u2"))
    plan = make_plan(taken, leaves, effect=Effect(groups=(GroupEffect(name="team-x", lost=(lost,)),), users=both))
    assert found(plan)["last-group"].addresses == ("user:desk@example.com",)


def test_a_group_that_nobody_is_left_in_is_told_unless_it_is_deleted() -> None:
    assert found(leaving(deactivated=True))["group-emptied"].addresses == ("group:team-x",)
    assert "group-emptied" not in found(leaving(deactivated=False))


def test_what_is_not_known_is_no_loss_of_the_last_group() -> None:
    unknown = Effect(users=(UserEffect(name="ada@example.com"),), groups=(GroupEffect(name="team-x"),))
    assert risks(make_plan(effect=unknown)) == ()


@pytest.mark.parametrize(
    ("allowance", "needed"),
    [
        ("users.delete=4", True),
        ("users.delete", True),
        ("users.update=4", False),
        ("group:a/b=c/members.remove", True),
        ("GROUP:A/B=C/members.remove=9", True),
        ("group:other/members.remove", False),
    ],
)
def test_allowances_that_lift_nothing_are_told_apart_from_those_that_do(allowance: str, needed: bool) -> None:
    verdicts = (
        Verdict(guard="users.delete", passed=True, number=4, limit="4", allowed_by="OPS-1"),
        Verdict(guard="users.update", passed=True, number=4, limit="9"),
        Verdict(
            guard="members.remove",
            passed=True,
            number=4,
            limit="2",
            subject=Kind.GROUP.address("a/b=c"),
            allowed_by="OPS-1",
        ),
    )
    risk = found(make_plan(guards=verdicts, allowances=(Allowed(allowance=allowance, reason="OPS-1"),)))
    assert ("allowance" not in risk) is needed
    assert risk["lifted"].number == 2


def test_a_guard_that_refuses_comes_before_everything() -> None:
    assert titles("refused")[0] == "4 guards refuse this plan"
