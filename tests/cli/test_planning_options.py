"""The options that say how a plan is made: guards lifted, resources selected, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from desired_and_live import policy
from reconciler.cli.options import AllowanceError, PlanningOptions, parse_allowance, planning_options
from reconciler.config import Allowance, Policy
from reconciler.planning.guarding import LIFTABLE


def asked(*arguments: str) -> tuple[Policy | None, str]:
    """Return the rules of planning that a command with these options gets, or what it is told instead."""
    found: list[PlanningOptions] = []

    @click.command("ask")
    @planning_options
    def command(*, options: PlanningOptions) -> None:
        found.append(options)

    done = CliRunner().invoke(command, arguments)
    return (found[0].policy(policy()) if found else None), done.output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("users.deactivate=40", Allowance(guard="users.deactivate", count=40)),
        ("users.create=0", Allowance(guard="users.create", count=0)),
        ("users.empty", Allowance(guard="users.empty")),
        ("groups.empty", Allowance(guard="groups.empty")),
        ("live.shrink", Allowance(guard="live.shrink")),
        ("members.remove=300", Allowance(guard="members.remove", count=300)),
        ("group:team-core/members.remove", Allowance(guard="members.remove", subject="group:team-core")),
        ("group:team-core/members.remove=9", Allowance(guard="members.remove", subject="group:team-core", count=9)),
        ("group:admins/privileged", Allowance(guard="privileged", subject="group:admins")),
        ("group:a=b/c=d/privileged", Allowance(guard="privileged", subject="group:a=b/c=d")),
        ("group:Team Core: all/members.remove", Allowance(guard="members.remove", subject="group:Team Core: all")),
    ],
)
def test_a_guard_is_lifted_in_the_form_that_a_refusal_prints(text: str, expected: Allowance) -> None:
    assert parse_allowance(text) == expected
    assert str(expected) == text


@given(st.text(min_size=1), st.sampled_from(["members.remove", "privileged"]))
def test_whatever_a_group_is_called_its_guard_can_be_lifted(name: str, guard: str) -> None:
    allowance = Allowance(guard=guard, subject=f"group:{name}")
    assert parse_allowance(str(allowance)) == allowance


@pytest.mark.parametrize("guard", LIFTABLE)
def test_every_guard_that_can_be_lifted_can_be_named(guard: str) -> None:
    forms = LIFTABLE[guard]
    texts = {guard: forms.whole, f"{guard}=5": forms.with_number, f"group:a/{guard}": forms.by_address}
    for text, allowed in texts.items():
        if allowed:
            assert str(parse_allowance(text)) == text
        else:
            with pytest.raises(AllowanceError, match="write "):
                parse_allowance(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is no guard '' to lift; there are users.create, "),
        ("user.deactivate=40", "there is no guard 'user.deactivate' to lift; did you mean users.deactivate?"),
        ("break_glass", "there is no guard 'break_glass' to lift; there are users.create, "),
        ("users.deactivate", "write users.deactivate=N, as the refusal prints it"),
        ("users.deactivate=", "'' must be a whole number, as the refusal prints it"),
        ("users.deactivate=-1", "'-1' must be a whole number"),
        ("users.deactivate=1.5", "'1.5' must be a whole number"),
        ("users.deactivate=5%", "'5%' must be a whole number"),
        ("users.deactivate=\N{ARABIC-INDIC DIGIT SEVEN}", "must be a whole number"),
        ("users.deactivate=" + "9" * 5000, "must be a whole number"),
        ("users.empty=3", "write users.empty, as the refusal prints it"),
        ("privileged", "write ADDRESS/privileged, as the refusal prints it"),
        ("privileged=3", "write ADDRESS/privileged"),
        ("group:a/privileged=3", "write ADDRESS/privileged"),
        ("members.remove", "write members.remove=N or ADDRESS/members.remove"),
        ("group:admins", "no guard is named; write it behind the address, as in group:NAME/members.remove"),
        ("group:admins/privilege", "there is no guard 'privilege' to lift; did you mean privileged?"),
        ("group:admins/users.delete=3", "write users.delete=N, as the refusal prints it"),
        ("groups:admins/privileged", "'groups:admins' is no address; write user:NAME or group:NAME"),
        ("admins/privileged", "'admins' is no address; write user:NAME or group:NAME"),
        ("group:/privileged", "nobody is named behind the colon"),
    ],
)
def test_what_lifts_nothing_is_explained(text: str, told: str) -> None:
    with pytest.raises(AllowanceError) as refused:
        parse_allowance(text)
    assert told in str(refused.value)
    given_up, output = asked("--allow", text, "--reason", "x")
    assert given_up is None
    assert "Error: Invalid value for '--allow': " in output


@given(st.text(alphabet="usergroup:.=/adminsempty05"))
def test_any_text_lifts_a_guard_or_is_refused(text: str) -> None:
    try:
        allowance = parse_allowance(text)
    except AllowanceError:
        return
    assert allowance.guard in LIFTABLE


def test_a_guard_is_not_lifted_without_a_reason() -> None:
    found, output = asked("--allow", "users.delete=1")
    assert found is None
    assert "--allow needs --reason: a lifted guard is recorded with its reason." in output


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_empty_reason_is_none(reason: str) -> None:
    found, output = asked("--reason", reason)
    assert found is None
    assert "--reason is empty." in output


def test_a_plan_may_have_a_reason_without_lifting_anything() -> None:
    assert asked("--reason", "OPS-1234") == (replace(policy(), reason="OPS-1234"), "")


def test_all_that_is_given_is_in_the_rules_of_planning() -> None:
    arguments = ["--allow", "users.delete=1", "--allow", "group:a/privileged", "--reason", "OPS-1", "--confirm-replace"]
    selected = ["--only", "user:ada", "--only", 'users[userName sw "b"]', "--exclude", "group:a b"]
    found, output = asked(*arguments, *selected)
    assert output == ""
    assert found == replace(
        policy(),
        allowances=(Allowance(guard="users.delete", count=1), Allowance(guard="privileged", subject="group:a")),
        reason="OPS-1",
        confirm_replace=True,
        only=("user:ada", 'users[userName sw "b"]'),
        exclude=("group:a b",),
    )


@pytest.mark.parametrize("option", ["--only", "--exclude"])
@pytest.mark.parametrize("text", ["", "ada", "user:", "users:ada", "users[userName eq]", 'users[userName eq "a"'])
def test_what_selects_nothing_because_it_cannot_be_understood_is_refused(option: str, text: str) -> None:
    found, output = asked(option, text)
    assert found is None
    assert f"Error: Invalid value for '{option}': " in output


@pytest.mark.parametrize(
    ("options", "given_any"),
    [
        ({}, False),
        ({"reason": "x"}, True),
        ({"only": ("user:a",)}, True),
        ({"exclude": ("user:a",)}, True),
        ({"confirm_replace": True}, True),
    ],
)
def test_whether_any_option_was_given_is_known(options: dict[str, Any], given_any: bool) -> None:
    assert PlanningOptions(**options).given is given_any
