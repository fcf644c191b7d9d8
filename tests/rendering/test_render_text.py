from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from golden_files import assert_golden
from reconciler.planning import Action, Change, Reason
from reconciler.planning.plan import DirectoryIdentity
from reconciler.rendering import render_text
from reconciler.rendering.risk import risks
from sample_plans import ALL, SAMPLES, group_step, listed, make_plan, many_members, user_step

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_plan_reads_as_it_did_when_it_was_last_looked_at(name: str) -> None:
    assert_golden(f"{name}.txt", render_text(SAMPLES[name](), color=False))


def test_ten_thousand_steps_read_as_they_did_when_they_were_last_looked_at() -> None:
    """The whole is kept as a digest, with its beginning and its end."""
    text = render_text(ALL["ten_thousand"](), color=False)
    lines = text.splitlines(keepends=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert_golden(
        "ten_thousand.txt", "".join((*lines[:60], f"… {len(lines):,} lines, sha256 {digest} …\n", *lines[-20:]))
    )


@pytest.mark.parametrize(
    ("name", "fmt", "shape"),
    [
        ("nested_access", "user", {"group_by": "user"}),
        ("nested_access", "group", {"group_by": "group"}),
        ("every_kind", "user", {"group_by": "user"}),
        ("every_kind", "72", {"width": 72}),
        ("hostile", "72", {"width": 72}),
        ("nested_access", "full", {"full": True}),
    ],
)
def test_every_shape_reads_as_it_did_when_it_was_last_looked_at(name: str, fmt: str, shape: Any) -> None:
    assert_golden(f"{name}.{fmt}.txt", render_text(SAMPLES[name](), color=False, **shape))


def test_what_to_look_at_first_stands_above_the_steps_and_is_short() -> None:
    for name, make in SAMPLES.items():
        plan = make()
        lines = render_text(plan, color=False).splitlines()
        start = lines.index("Look at this first:") if risks(plan) else None
        assert ("Look at this first:" in lines) == bool(risks(plan))
        if start is not None:
            assert lines[start - 1] == "", name
            assert lines.index("", start) - start == len(risks(plan)) + 1 <= 15


def test_colours_read_as_they_did_when_they_were_last_looked_at() -> None:
    assert_golden("every_kind.ansi.txt", render_text(SAMPLES["every_kind"](), color=True))


@pytest.mark.parametrize("name", SAMPLES)
def test_colours_change_nothing_but_colours(name: str) -> None:
    plan = SAMPLES[name]()
    assert ANSI.sub("", render_text(plan, color=True)) == render_text(plan, color=False)


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_last_line_is_the_summary_to_the_letter(name: str, color: bool) -> None:
    plan = SAMPLES[name]()
    text = render_text(plan, color=color)
    assert text.endswith(f"\n{plan.summary}\n")


def test_full_names_every_member() -> None:
    text = render_text(many_members(), color=False, full=True)
    assert all(f"new{n:03}@example.com" in text for n in range(60))
    assert "more to" not in text


@pytest.mark.parametrize(("added", "removed"), [(21, 0), (0, 21), (100, 3), (3, 100), (50, 50), (19, 2)])
def test_a_folded_group_shows_twenty_members_and_both_sides(added: int, removed: int) -> None:
    edges = [listed(f"m{n:03}@example.com") for n in range(max(added, removed))]
    steps = [
        group_step(action, "team-all", members=tuple(edges[:count]))
        for action, count in ((Action.ADD_MEMBERS, added), (Action.REMOVE_MEMBERS, removed))
        if count
    ]
    lines = render_text(make_plan(*steps), color=False).splitlines()
    shown = {sign: sum(line.startswith(f"        {sign} ") for line in lines) for sign in "+-"}
    assert sum(shown.values()) == 20
    assert shown["+"] >= min(added, 10)
    assert shown["-"] >= min(removed, 10)
    hidden = {"add": added - shown["+"], "remove": removed - shown["-"]}
    assert all(f"{count} more to {verb}" in "\n".join(lines) for verb, count in hidden.items() if count)


def test_a_difference_deep_inside_long_values_stays_visible() -> None:
    before, after = "a" * 500 + "ONE" + "b" * 500, "a" * 500 + "TWO" + "b" * 500
    step = user_step(
        Action.UPDATE, "ada@example.com", Reason.DIFFERS, changes=(Change(path="title", before=before, after=after),)
    )
    text = render_text(make_plan(step), color=False, width=80)
    assert "ONE" in text
    assert "TWO" in text
    assert max(map(len, text.splitlines())) < 140


def test_values_nested_beyond_reason_are_cut() -> None:
    value: object = "deep"
    for _ in range(500):
        value = [value]
    step = user_step(Action.UPDATE, "ada@example.com", Reason.DIFFERS, changes=(Change(path="x", after=value),))
    assert "[[[[[[…]]]]]]" in render_text(make_plan(step), color=False, full=True)


def test_credentials_in_a_base_url_are_not_shown() -> None:
    directory = DirectoryIdentity(name="acme", base_url="https://me:secret@scim.example.com:8443/x", dialect="generic")
    text = render_text(make_plan(directory=directory), color=False)
    assert "scim.example.com:8443" in text
    assert "secret" not in text


@pytest.mark.parametrize("base_url", ["", "https://[", "https://example.com:port", "nonsense"])
def test_a_base_url_that_is_none_does_not_stop_the_rendering(base_url: str) -> None:
    directory = DirectoryIdentity(name="acme", base_url=base_url, dialect="generic")
    assert "an unreadable URL" in render_text(make_plan(directory=directory), color=False)
