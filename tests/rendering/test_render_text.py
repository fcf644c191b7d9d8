from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_files import assert_golden
from reconciler.planning import Action, Change, Edge, Note, Reason, Verdict
from reconciler.planning.plan import DesiredIdentity, DirectoryIdentity
from reconciler.rendering import render_text
from sample_plans import HOSTILE, SAMPLES, group_step, listed, make_plan, many_members, user_step

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_plan_reads_as_it_did_when_it_was_last_looked_at(name: str) -> None:
    assert_golden(f"{name}.txt", render_text(SAMPLES[name](), color=False))


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


def assert_harmless(text: str) -> None:
    for line in text.splitlines(keepends=True):
        assert line.endswith("\n")
        assert line[:-1].isprintable(), line
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line


foreign = st.text() | st.sampled_from([HOSTILE, "::error::x", " ::error::x", "##[command]x", "##vso[x]", "\u3164"])


@settings(deadline=None)
@given(text=foreign, other=foreign, color=st.booleans(), full=st.booleans())
def test_nothing_foreign_leaves_the_layout(text: str, other: str, color: bool, full: bool) -> None:
    plan = make_plan(
        user_step(
            Action.UPDATE,
            text,
            Reason.DIFFERS,
            origin=other,
            note=text,
            correlated_by=other,
            changes=(
                Change(path=text, before=text, after=other, origin=other),
                Change(path=other, before=[text], after={text: [other]}, details=(text, other)),
            ),
        ),
        group_step(
            Action.ADD_MEMBERS,
            text,
            origin=other,
            members=(Edge(name=text, reason=Reason.NESTED, via=(other,), origin=text, note=other),),
        ),
        group_step(Action.DELETE, other, Reason.REPLACED, replaces=text, origin=text),
        directory=DirectoryIdentity(name=text, base_url=other, dialect=text),
        desired=DesiredIdentity(digest=text, files=1, commit=other),
        notes=(Note(severity="warning", code=text, message=other, origin=text),),
        guards=(
            Verdict(
                guard=text, passed=False, number=2, limit=other, subject=text, resources=(other,), how_to_allow=text
            ),
            Verdict(guard=text, passed=True, number=2, limit=other, allowed_by=text),
        ),
    )
    rendered = render_text(plan, color=color, full=full)
    assert_harmless(ANSI.sub("", rendered) if color else rendered)
