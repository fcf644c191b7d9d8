"""What holds for the text of every plan, whatever it is full of."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmless import SGR, assert_harmless
from reconciler.planning import Plan
from reconciler.rendering import render_text
from reconciler.rendering.escape import columns
from reconciler.rendering.folding import MARK, NARROWEST
from reconciler.rendering.person import render_person
from sample_plans import ATTACKS, EVERY_PLANE, HOSTILE, SAMPLES, saturated
from thoroughness import cases

COMMANDS = ("::error::x", " ::error::x", "##vso[x]")
foreign = st.text(max_size=60) | st.sampled_from([HOSTILE, EVERY_PLANE, *COMMANDS, *ATTACKS])
shapes = st.fixed_dictionaries(
    {
        "color": st.booleans(),
        "full": st.booleans(),
        "saved": st.booleans(),
        "left_out": st.booleans(),
        "group_by": st.sampled_from(["kind", "user", "group"]),
    }
)


def unfolded(text: str) -> list[str]:
    """The lines without those that only go on the one before."""
    return [line for line in SGR.sub("", text).split("\n") if not line.lstrip(" ").startswith(MARK)]


@settings(deadline=None, max_examples=cases(60, thorough=2_000))
@given(text=foreign, other=foreign, shape=shapes, width=st.none() | st.integers(1, 200))
def test_nothing_foreign_leaves_the_layout(text: str, other: str, shape: dict[str, Any], width: int | None) -> None:
    plan = saturated(text, other)
    rendered = render_text(plan, **shape, width=width)
    assert_harmless(rendered, color=shape["color"])
    assert rendered.endswith(f"\n{plan.summary}\n")
    assert len(unfolded(rendered)) == len(unfolded(render_text(plan, **shape)))


@settings(deadline=None, max_examples=cases(40, thorough=1_000))
@given(one=foreign, other=foreign, shape=shapes)
def test_what_the_data_is_does_not_change_how_many_lines_there_are(one: str, other: str, shape: dict[str, Any]) -> None:
    """But for what two texts have in common: names that are one stand together, allowances lift guards."""

    def lines(text: str, different: str) -> int:
        plan = msgspec.structs.replace(saturated(f"1{text}", f"2{different}"), allowances=())
        return render_text(plan, **shape).count("\n")

    assert lines(one, other) == lines("", "")


@settings(deadline=None, max_examples=cases(40, thorough=1_000))
@given(text=foreign, other=foreign, color=st.booleans(), width=st.none() | st.integers(1, 200))
def test_nothing_foreign_leaves_the_view_of_one_person(text: str, other: str, color: bool, width: int | None) -> None:
    for asked in (text, other, "somebody else"):
        rendered = render_person(saturated(text, other), asked, color=color, width=width)
        assert_harmless(rendered, color=color)
        assert len(unfolded(rendered)) == len(unfolded(render_person(saturated(text, other), asked, color=color)))


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(("group_by", "width"), [("kind", 80), ("user", 20), ("group", 132)])
def test_no_line_but_the_last_is_wider_than_the_terminal(name: str, group_by: Any, width: int) -> None:
    text = render_text(SAMPLES[name](), color=True, width=width, group_by=group_by)
    for line in SGR.sub("", text).splitlines()[:-1]:
        assert columns(line) <= max(width, NARROWEST)


WITHOUT_EFFECT = ("tiny", "every_kind", "replacement", "many_members", "refused", "waiting_and_left_out")
TITLE = re.compile(r"(Users|Groups|Groups and memberships|Group|People|Person|(?:Users|Groups) to \w+): ([\d,]+)")
AMOUNT = re.compile(r"([\d,]+) (?:memberships? )?to (\w+)")


def announced(text: str) -> Counter[str]:
    """The numbers in the titles of all sections, by what is done."""
    found = Counter[str]()
    for line in text.splitlines():
        title = TITLE.match(line)
        if title and " to " in title[1]:
            found[title[1].rpartition(" ")[2]] += int(title[2].replace(",", ""))
        elif title:
            found.update({what: int(number.replace(",", "")) for number, what in AMOUNT.findall(line)})
    return found


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
@pytest.mark.parametrize("group_by", ["user", "group"])
def test_every_step_is_shown_once_however_the_steps_are_grouped(name: str, group_by: Any) -> None:
    """Every row is a membership where the plan tells of no effect; every change of a value has a line of its own."""
    plan: Plan = SAMPLES[name]()
    whole, grouped = (render_text(plan, color=False, full=True, group_by=by) for by in ("kind", group_by))
    for rows in (re.compile(r"(?m)^        [+-] (?=\S)"), re.compile(r"(?m)^      [+~-] .*$")):
        assert Counter(rows.findall(grouped)) == Counter(rows.findall(whole))


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
@pytest.mark.parametrize("group_by", ["kind", "user", "group"])
def test_the_titles_of_the_sections_add_up_to_the_last_line(name: str, group_by: Any) -> None:
    plan: Plan = SAMPLES[name]()
    numbers, summary = announced(render_text(plan, color=False, group_by=group_by)), plan.summary
    assert (numbers["create"], numbers["update"] + numbers["reactivate"]) == (summary.create, summary.update)
    assert (numbers["deactivate"], numbers["delete"]) == (summary.deactivate, summary.delete)
    assert (numbers["add"], numbers["remove"]) == (summary.add_members, summary.remove_members)


@pytest.mark.parametrize("width", [None, 60])
@pytest.mark.parametrize("group_by", ["kind", "user", "group"])
def test_two_names_never_read_as_one(width: int | None, group_by: Any) -> None:
    """They differ where long names are cut, and in how many spaces there are."""
    one, other = "x" * 5_000 + "A" + "x" * 5_000, "x" * 5_000 + "B" + "x" * 5_000
    for first, second in ((one, other), ("a b " * 30, "a  b" * 30)):
        steps = [
            render_text(saturated(name), color=False, width=width, group_by=group_by).split("Look at this first:")[1]
            for name in (first, second)
        ]
        assert steps[0] != steps[1]
