"""A plan as remarks on the lines of YAML that cause it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plan_parts import group_step, listed, make_plan, user_step
from reconciler.ci.annotations import GITHUB_SHOWS, annotate
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.planning import Action, Change, Edge, Plan, Reason, Verdict
from reconciler.rendering import render_diagnostics
from sample_plans import ALL
from thoroughness import cases


def places(found: tuple[Diagnostic, ...]) -> list[tuple[str, str, str | None]]:
    return [(one.severity.value, one.code, str(one.origin) if one.origin else None) for one in found]


def test_every_line_that_causes_something_says_what() -> None:
    plan = make_plan(
        user_step(Action.CREATE, "ada@example.com", Reason.NOT_IN_DIRECTORY, line=3),
        group_step(
            Action.ADD_MEMBERS,
            "team-a",
            members=(listed("ada@example.com", 7), listed("bob@example.com", 8), Edge(name="x", reason=Reason.MATCHED)),
        ),
    )
    assert [str(one) for one in annotate(plan)] == [
        "groups/platform.yaml:7:1: note: adds ada@example.com (listed) to group team-a",
        "groups/platform.yaml:8:1: note: adds bob@example.com (listed) to group team-a",
        "groups/platform.yaml:2:1: note: adds x (matches the filter) to group team-a",
        "users/engineering.yaml:3:1: note: creates user ada@example.com (new: the directory has none)",
    ]


def test_what_is_lost_comes_first_and_what_no_file_lists_has_no_line() -> None:
    plan = make_plan(
        user_step(Action.CREATE, "ada@example.com", Reason.NOT_IN_DIRECTORY, line=3),
        user_step(Action.DEACTIVATE, "leaver@example.com", Reason.EXPIRED, line=9),
        user_step(Action.DELETE, "gone@example.com", Reason.UNLISTED, origin=None),
    )
    assert places(annotate(plan)) == [
        ("warning", "user-deleted", None),
        ("warning", "deactivated", "users/engineering.yaml:9"),
        ("note", "create", "users/engineering.yaml:3"),
    ]


def test_only_the_line_that_changes_an_identity_is_a_risk() -> None:
    changes = (
        Change(path="title", after="Boss", origin="users/a.yaml:4"),
        Change(path="userName", before="a", after="b", identity=True, origin="users/a.yaml:5"),
    )
    found = annotate(make_plan(user_step(Action.UPDATE, "a", Reason.RENAMED, changes=changes)))
    assert places(found) == [("warning", "identity", "users/a.yaml:5"), ("note", "update", "users/a.yaml:4")]


def test_a_guard_that_refuses_is_an_error_on_the_line_that_it_is_about() -> None:
    verdict = Verdict(guard="protected", passed=False, number=1, limit="0", subject="user:ada@example.com")
    step = user_step(Action.DEACTIVATE, "ada@example.com", Reason.STATED_INACTIVE, line=12)
    error, warning = annotate(make_plan(step, guards=(verdict,)))
    assert (error.severity, str(error.origin)) == (Severity.ERROR, "users/engineering.yaml:12")
    assert error.message.startswith("protected refuses the plan: user:ada@example.com would be lost")
    assert warning.code == "deactivated"


def test_what_is_about_one_line_is_one_annotation() -> None:
    steps = [group_step(Action.ADD_MEMBERS, f"team-{n}", members=(listed(f"p{n}@example.com", 5),)) for n in range(9)]
    (found,) = annotate(make_plan(*steps))
    assert found.message.count("adds ") == 5
    assert found.message.endswith("; 4 more")


@pytest.mark.parametrize("name", ALL)
def test_github_never_gets_more_than_it_shows(name: str) -> None:
    plan = ALL[name]()
    found = annotate(plan, most=GITHUB_SHOWS)
    assert max(Counter(one.severity for one in found).values(), default=0) <= GITHUB_SHOWS
    # No kind of risk is crowded out by another that there is much of.
    shown, everything = (
        {one.code for one in some if one.severity is Severity.WARNING} for some in (found, annotate(plan))
    )
    assert everything <= shown or len(everything) >= GITHUB_SHOWS


def test_what_does_not_fit_is_counted() -> None:
    steps = [user_step(Action.CREATE, f"p{n:02}@example.com", Reason.NOT_IN_DIRECTORY, line=n) for n in range(2, 32)]
    *shown, last = annotate(make_plan(*steps), most=10)
    assert (len(shown), last.origin) == (9, None)
    assert last.message == "21 more that do not fit here (21 create). The plan shows all"


def test_an_empty_plan_has_nothing_to_say() -> None:
    assert annotate(ALL["empty"]()) == ()


@pytest.mark.parametrize("origin", ["", ":", "a.yaml", "a.yaml:x", "a.yaml:", ":7", f"a.yaml:{'9' * 5000}", "a:٣"])
def test_an_origin_that_is_none_is_no_line(origin: str) -> None:
    (found,) = annotate(make_plan(user_step(Action.CREATE, "a", Reason.NOT_IN_DIRECTORY, origin=origin)))
    assert found.origin is None


texts = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("\r\n:#%,\x1b\u202e")))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    member = Edge(name=draw(texts), reason=Reason.LISTED, origin=draw(texts), note=draw(texts))
    change = Change(path=draw(texts), after=draw(texts), identity=draw(st.booleans()), origin=draw(texts))
    return make_plan(
        user_step(Action.UPDATE, draw(texts), Reason.DIFFERS, origin=draw(texts), changes=(change,)),
        group_step(Action.REMOVE_MEMBERS, draw(texts), members=(member,), privileged=draw(st.booleans())),
        guards=(Verdict(guard=draw(texts), passed=False, number=1, limit=draw(texts), how_to_allow=draw(texts)),),
    )


@settings(deadline=None, max_examples=cases(40, thorough=500))
@given(plans())
def test_whatever_a_plan_holds_an_annotation_is_one_line_and_one_command(plan: Plan) -> None:
    found = annotate(plan)
    lines = render_diagnostics(found, "github", base="acme").split("\n")
    assert len(lines) == len(found) + 1
    for line in lines[:-1]:
        assert line.isprintable()
        assert line.startswith(("::error ", "::warning ", "::notice "))
