"""Whatever changes a privileged group needs an allowance that names the group."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import UNGUARDED, group, live, live_group, live_user, nested, planned, policy, user
from reconciler.config import Allowance, Policy, Protection, Unlisted
from reconciler.planning import Plan

ADA, BOB = live_user("u1", "ada@example.com"), live_user("u2", "bob@example.com")
LISTED = [user("ada@example.com"), user("bob@example.com")]
ADMINS = live_group("g1", "admins", ["u1"], externalId="a")


def rules(*allowances: Allowance, reason: str | None = "OPS-1", patterns: tuple[str, ...] = ("ADMIN*",)) -> Policy:
    return policy(
        Unlisted.DELETE,
        Unlisted.DELETE,
        protection=Protection(privileged=patterns),
        allowances=allowances,
        reason=reason,
        guards=UNGUARDED,
    )


def refused(made: Plan) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(one.guard, one.subject, one.resources) for one in made.refusals]


@pytest.mark.parametrize(
    ("listed", "found", "subject", "resources"),
    [
        ([group("admins", ["ada@example.com", "bob@example.com"])], [ADMINS], "group:admins", ["user:bob@example.com"]),
        ([group("admins", [])], [ADMINS], "group:admins", ["user:ada@example.com"]),
        ([group("admins", [])], [], "group:admins", ["group:admins"]),
        ([group("admins", ["ada@example.com"])], [], "group:admins", ["group:admins", "user:ada@example.com"]),
        ([group("admins", externalId="b")], [ADMINS], "group:admins", ["group:admins"]),
        ([group("other")], [ADMINS], "group:admins", ["group:admins"]),
        ([group("mortals", externalId="a")], [ADMINS], "group:admins", ["group:admins"]),
        (
            [group("admins", externalId="c")],
            [live_group("g2", "mortals", ["u1"], externalId="c")],
            "group:mortals",
            ["group:mortals"],
        ),
    ],
    ids=["addition", "removal", "creation", "first member", "update", "deletion", "old name", "new name"],
)
def test_every_change_is_refused(listed: Any, found: Any, subject: str, resources: list[str]) -> None:
    made = planned([*LISTED, *listed], [ADA, BOB, *found], rules())
    subjects = {one.subject: one for one in made.refusals}
    assert set(subjects) == {subject}
    assert list(subjects[subject].resources) == resources
    assert subjects[subject].how_to_allow == f'--allow {subject}/privileged --reason "…"'


def test_a_group_says_of_itself_that_it_is_privileged() -> None:
    made = planned([*LISTED, group("ops", ["bob@example.com"], privileged=True)], [ADA, BOB, live_group("g1", "ops")])
    assert refused(made) == [("privileged", "group:ops", ("user:bob@example.com",))]


def test_a_member_who_is_deleted_is_a_change() -> None:
    made = planned([LISTED[1], group("admins")], [ADA, BOB, ADMINS], rules())
    assert refused(made) == [("privileged", "group:admins", ("user:ada@example.com",))]


def test_no_change_needs_no_allowance() -> None:
    assert planned([*LISTED, group("admins", ["ada@example.com"])], [ADA, BOB, ADMINS], rules()).refusals == ()
    made = planned([*LISTED, group("admins"), group("x", ["bob@example.com"])], [ADA, BOB, ADMINS], rules())
    assert made.refusals == ()


def test_who_joins_a_group_inside_a_privileged_one_joins_that_too() -> None:
    found = live(
        ADA,
        BOB,
        live_group("g1", "admins", ["g2"]),
        live_group("g2", "on-call", ["g3"]),
        live_group("g3", "night"),
        nested_groups=True,
    )
    listed = [*LISTED, group("admins"), group("on-call"), group("night", ["bob@example.com"])]
    assert refused(planned(listed, found, rules())) == [("privileged", "group:night", ("user:bob@example.com",))]


def test_a_new_group_is_inside_as_soon_as_the_plan_puts_it_there() -> None:
    found = live(ADA, BOB, live_group("g1", "admins"), nested_groups=True)
    listed = [*LISTED, group("admins", [nested("new")]), group("new", ["bob@example.com"])]
    assert [one.subject for one in planned(listed, found, rules()).refusals] == ["group:new", "group:admins"]


class TestAllowance:
    """Only one that names the group lifts it."""

    FOUND = (ADA, BOB, ADMINS, live_group("g2", "admins-eu"))
    STATED = (
        *LISTED,
        group("admins", ["ada@example.com", "bob@example.com"]),
        group("admins-eu", ["bob@example.com"]),
    )

    @pytest.mark.parametrize(
        ("allowances", "reason", "left"),
        [
            ([Allowance(guard="privileged", subject="group:admins")], "OPS-1", ["group:admins-eu"]),
            ([Allowance(guard="privileged", subject="group:ADMINS-eu")], "OPS-1", ["group:admins"]),
            ([Allowance(guard="privileged", subject="group:admins", count=1)], "OPS-1", ["group:admins-eu"]),
            (
                [Allowance(guard="privileged", subject="group:admins", count=0)],
                "OPS-1",
                ["group:admins", "group:admins-eu"],
            ),
            ([Allowance(guard="privileged")], "OPS-1", ["group:admins", "group:admins-eu"]),
            ([Allowance(guard="privileged", subject="group:admins")], " ", ["group:admins", "group:admins-eu"]),
        ],
        ids=["by name", "in any case", "with a number", "too few", "for everything", "no reason"],
    )
    def test_lifts_one_group(self, allowances: list[Allowance], reason: str, left: list[str]) -> None:
        made = planned(self.STATED, self.FOUND, rules(*allowances, reason=reason))
        assert [one.subject for one in made.refusals] == left

    def test_is_recorded_with_what_it_lifted(self) -> None:
        made = planned(self.STATED, self.FOUND, rules(Allowance(guard="privileged", subject="group:admins")))
        [lifted] = [one for one in made.guards if one.subject == "group:admins"]
        assert (lifted.passed, lifted.allowed_by) == (True, "OPS-1")
