"""What is lifted for one run is said exactly, recorded with its reason, and told when it was not needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from desired_and_live import UNGUARDED, group, live_group, live_user, planned, policy, user
from reconciler.config import Allowance, Limit, Policy, Unlisted
from reconciler.planning import Plan
from reconciler.planning.guarding import LIFTABLE
from reconciler.planning.plan import Allowed

ADA, BOB = live_user("u1", "ada@example.com"), live_user("u2", "bob@example.com")
LISTED = [user("ada@example.com"), user("bob@example.com")]
STRICT = replace(UNGUARDED, members_remove=Limit(count=0), users_deactivate=Limit(count=0))


def losing(*names: str, allowances: tuple[Allowance, ...] = (), reason: str | None = "OPS-1") -> Plan:
    """A plan by which each of these groups loses its two members."""
    found = [ADA, BOB, *(live_group(f"g{number}", name, ["u1", "u2"]) for number, name in enumerate(names))]
    rules = policy(guards=STRICT, allowances=allowances, reason=reason)
    return planned([*LISTED, *(group(name, []) for name in names)], found, rules)


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("team-platform", "--allow group:team-platform/members.remove"),
        ("team platform", "--allow 'group:team platform/members.remove'"),
        ("a'; rm -rf ~ #", "--allow 'group:a'\"'\"'; rm -rf ~ #/members.remove'"),
        ("$(id)`id`", "--allow 'group:$(id)`id`/members.remove'"),
    ],
)
def test_the_flag_is_one_word_of_a_shell_whatever_the_name_is(name: str, flag: str) -> None:
    [refused] = losing(name).refusals
    assert refused.how_to_allow == f'{flag} --reason "…"'


@pytest.mark.parametrize(
    ("allowance", "left"),
    [
        (Allowance(guard="members.remove", subject="group:a"), ["group:b"]),
        (Allowance(guard="members.remove", subject="group:B"), ["group:a"]),
        (Allowance(guard="members.remove", subject="group:a", count=2), ["group:b"]),
        (Allowance(guard="members.remove", subject="group:a", count=1), ["group:a", "group:b"]),
        (Allowance(guard="members.remove", count=2), []),
        (Allowance(guard="members.remove", count=1), ["group:a", "group:b"]),
        (Allowance(guard="memberships.remove", count=9), ["group:a", "group:b"]),
    ],
    ids=str,
)
def test_an_allowance_is_for_one_group_or_for_each(allowance: Allowance, left: list[str]) -> None:
    assert [one.subject for one in losing("a", "b", allowances=(allowance,)).refusals] == left


def test_the_most_generous_of_several_holds() -> None:
    given = (Allowance(guard="members.remove", count=1), Allowance(guard="members.remove", subject="group:a", count=2))
    assert [one.subject for one in losing("a", "b", allowances=given).refusals] == ["group:b"]


def test_every_allowance_is_recorded_with_the_reason() -> None:
    given = (
        Allowance(guard="members.remove", subject="group:a"),
        Allowance(guard="users.delete", count=40),
        Allowance(guard="users.empty"),
    )
    assert losing("a", allowances=given, reason=" OPS-1: closed ").allowances == (
        Allowed(allowance="group:a/members.remove", reason="OPS-1: closed"),
        Allowed(allowance="users.delete=40", reason="OPS-1: closed"),
        Allowed(allowance="users.empty", reason="OPS-1: closed"),
    )


def told(made: Plan) -> list[str]:
    return [note.message for note in made.notes if note.code == "unused-allowance"]


@pytest.mark.parametrize(
    ("allowance", "message"),
    [
        (Allowance(guard="members.remove", count=2), None),
        (Allowance(guard="members.remove", count=1), None),
        (Allowance(guard="users.delete", count=4), "--allow users.delete=4 lifted nothing"),
        (Allowance(guard="members.remove", subject="group:z"), "--allow group:z/members.remove lifted nothing"),
        (Allowance(guard="protected"), "--allow protected lifted nothing: nothing lifts protected for one run"),
    ],
    ids=["used", "not enough", "not needed", "another group", "nothing lifts it"],
)
def test_an_allowance_that_no_refusal_asked_for_is_told(allowance: Allowance, message: str | None) -> None:
    assert told(losing("a", allowances=(allowance,))) == ([message] if message else [])


def test_without_a_reason_nothing_is_lifted_or_recorded() -> None:
    made = losing("a", allowances=(Allowance(guard="members.remove", count=2),), reason=None)
    assert (len(made.refusals), made.allowances) == (1, ())
    assert told(made) == ["--allow members.remove=2 lifted nothing: no reason was given"]


def refusing() -> dict[str, tuple[Any, Any, Policy]]:
    """For guards over the whole plan: files and a directory by which nothing but this one refuses."""
    off = live_user("u3", "off@example.com", active=False)
    nothing = Limit(count=0)

    def strict(guard: str, *unlisted: Unlisted) -> Policy:
        return policy(*unlisted, guards=replace(UNGUARDED, **{guard.replace(".", "_"): nothing}))

    return {
        "users.create": (LISTED, [ADA], strict("users.create")),
        "users.update": ([*LISTED, user("off@example.com")], [ADA, BOB, off], strict("users.update")),
        "users.deactivate": (LISTED[:1], [ADA, BOB], strict("users.deactivate", Unlisted.DEACTIVATE)),
        "users.delete": (LISTED[:1], [ADA, BOB], strict("users.delete", Unlisted.DELETE)),
        "groups.create": ([group("a")], [], strict("groups.create")),
        "groups.delete": (
            [group("a")],
            [live_group("g1", "a"), live_group("g2", "b")],
            strict("groups.delete", Unlisted.IGNORE, Unlisted.DELETE),
        ),
        "memberships.remove": (
            [*LISTED, group("a", [])],
            [ADA, BOB, live_group("g1", "a", ["u1"])],
            strict("memberships.remove"),
        ),
        "identity.change": ([group("b", previously=("a",))], [live_group("g1", "a")], strict("identity.change")),
        "users.empty": ([], [ADA], policy(Unlisted.DEACTIVATE)),
        "groups.empty": ([], [live_group("g1", "a")], policy(Unlisted.IGNORE, Unlisted.DELETE)),
    }


@pytest.mark.parametrize("guard", refusing())
def test_the_flag_that_a_refusal_prints_lifts_it(guard: str) -> None:
    listed, found, rules = refusing()[guard]
    [refused] = planned(listed, found, rules).refusals
    assert refused.guard == guard
    printed = refused.how_to_allow.removeprefix("--allow ").removesuffix(' --reason "…"')
    forms = LIFTABLE[guard]
    assert printed == (f"{guard}={refused.number}" if forms.with_number else guard)
    lifted = Allowance(guard=guard, count=refused.number if forms.with_number else None)
    made = planned(listed, found, replace(rules, allowances=(lifted,), reason="OPS-1"))
    assert (made.refusals, told(made)) == ((), [])
    assert [one.guard for one in made.guards if one.allowed_by == "OPS-1"] == [guard]
