"""The shapes of a plan's text: by person, by group, and one person alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Done, call
from reconciler import render
from reconciler.planning import Plan, encode
from sample_plans import nested_access, refused


def show(tmp_path: Path, plan: Plan, *options: str) -> Done:
    file = tmp_path / "acme.plan"
    file.write_bytes(encode(plan))
    return call(["show", str(file), *options])


def test_one_person_is_shown_alone(tmp_path: Path) -> None:
    done = show(tmp_path, nested_access(), "--user", "EVE@example.com")
    assert done.code == 0
    assert "access to 1 before, to 3 after" in done.stdout
    assert "team-x" not in done.stdout
    assert done.stdout == render(nested_access(), user="eve@example.com")


def test_whom_the_plan_does_not_name_is_an_answer_and_no_error(tmp_path: Path) -> None:
    """Exit codes speak of the plan, whatever is shown of it."""
    done = show(tmp_path, nested_access(), "--user", "eev@example.com")
    assert done.code == 0
    assert done.stdout == (
        "The plan names no user eev@example.com: it changes nothing for anybody of that name or id.\n"
        "Did you mean eve@example.com?\n"
    )
    assert show(tmp_path, refused(), "--user", "nobody@example.com").code == 3


@pytest.mark.parametrize("by", ["user", "group"])
def test_steps_stand_by_person_or_by_group(tmp_path: Path, by: str) -> None:
    done = show(tmp_path, nested_access(), "--group-by", by)
    assert done.code == 0
    assert done.stdout.splitlines()[-1] == str(nested_access().summary)
    assert {"user": "People: 219", "group": "Groups: 4"}[by] in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--user", "ada@example.com", "--json"), "--user is for the text of a plan, and json has its own order."),
        (("--group-by", "user", "--format", "markdown"), "--group-by is for the text of a plan, and markdown has"),
        (("--user", ""), "--user is empty."),
        (("--user", "ada@example.com", "--redact"), "--redact hides whom --user asks for."),
        (("--group-by", "users"), "'users' is not one of 'kind', 'user', 'group'"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = show(tmp_path, nested_access(), *options)
    assert (done.code, done.stdout if "--json" not in options else "") == (64, "")
    assert said in done.stderr + done.stdout
