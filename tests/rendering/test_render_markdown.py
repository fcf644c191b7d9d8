"""A plan as a comment: what a reviewer reads first, what there is room for, and that nothing in it is alive."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access_plans import nested_access
from foreign_plans import ATTACKS, saturated
from golden_files import assert_golden
from large_plans import ten_thousand
from markdown_pages import Page, assert_inert
from plan_parts import group_step, listed, make_plan, user_step
from reconciler.planning import Action, Change, Plan, Reason, Verdict
from reconciler.planning.plan import DirectoryIdentity
from reconciler.rendering.markdown import LIMIT, SMALLEST_LIMIT, marker, render_markdown
from sample_plans import SAMPLES
from thoroughness import cases

WHERE = "https://ci.example.com/runs/1?artifact=plan&x=2"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_comment_reads_as_it_did_when_it_was_last_looked_at(name: str) -> None:
    assert_golden(f"{name}.md", render_markdown(SAMPLES[name](), where=WHERE))


def test_gitlab_gets_no_alert_which_its_older_versions_lack() -> None:
    github, gitlab = (render_markdown(SAMPLES["refused"](), flavour=flavour) for flavour in ("github", "gitlab"))
    assert github.replace("> [!CAUTION]\n", "") == gitlab
    assert_golden("refused.gitlab.md", render_markdown(SAMPLES["refused"](), flavour="gitlab", where=WHERE))


@pytest.mark.parametrize("flavour", ["github", "gitlab"])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_line_is_the_marker_and_the_last_one_the_summary(
    name: str, flavour: Literal["github", "gitlab"]
) -> None:
    plan = SAMPLES[name]()
    lines = render_markdown(plan, flavour=flavour).splitlines()
    assert lines[0] == marker(plan)
    assert lines[-1] == str(plan.summary)


# What a reviewer sees without opening anything


def unfolded(markdown: str) -> str:
    return re.sub(r"<details>.*?</details>", "", markdown, flags=re.DOTALL)


def test_what_is_lost_stands_outside_of_the_folds_the_gravest_first() -> None:
    shown = unfolded(render_markdown(SAMPLES["every_kind"]()))
    losses = ("**Delete** group `team-gone`", "**Delete** user `purged@", "**Deactivate** user `leaver@")
    order = [shown.index(loss) for loss in losses]
    assert order == sorted(order)
    assert "linus@example.com`:" not in shown


def test_the_headline_tells_what_is_lost_from_what_is_changed() -> None:
    headline = render_markdown(SAMPLES["every_kind"]()).splitlines()[2]
    assert headline.startswith("## Plan for `acme`: 1 group and 1 user to delete, 3 users to deactivate, 3 to update, ")


def test_a_loss_says_how_many_people_it_concerns() -> None:
    shown = unfolded(render_markdown(nested_access()))
    assert "- **Delete** group `team-x` — no file lists it · 212 people lose access" in shown


def test_a_refusal_says_what_was_counted_and_how_to_allow_it() -> None:
    shown = unfolded(render_markdown(SAMPLES["refused"]()))
    assert "**Refused by 4 guards:**" in shown
    assert "30 users would be deactivated; the limit is 20 and 5 % of 400 = 20" in shown
    assert '`--allow users.deactivate=30 --reason "…"`' in shown


def test_a_plan_that_says_nothing_of_the_rest_says_so() -> None:
    assert "**Confined to what changed since" in unfolded(render_markdown(SAMPLES["since"]()))
    assert unfolded(render_markdown(make_plan(undoes="20261122-1"))).splitlines()[2].startswith("## Undo for `acme`")


def test_every_change_is_named_where_there_is_room() -> None:
    markdown = render_markdown(SAMPLES["many_members"]())
    assert all(f"+     new{number:03}@example.com" in markdown for number in range(60))
    assert "not shown" not in markdown


# The marker


def directory(name: str, base_url: str = "https://scim.example.com/a") -> Plan:
    return make_plan(directory=DirectoryIdentity(name=name, base_url=base_url, dialect="generic"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (directory("acme"), directory("acme ")),
        (directory("Acme"), directory("acme")),
        (directory("acme"), directory("acme", "https://scim.example.com/b")),
        (directory("a-b"), directory("a--b")),
        (directory("é"), directory("ü")),
    ],
)
def test_two_directories_never_share_a_marker(one: Plan, other: Plan) -> None:
    assert marker(one) != marker(other)


def test_two_workspaces_for_one_directory_are_told_apart_by_a_key() -> None:
    plan = SAMPLES["tiny"]()
    assert len({marker(plan), marker(plan, key="identity/emea"), marker(plan, key="identity/apac")}) == 3
    assert render_markdown(plan, key="identity/emea").startswith(marker(plan, key="identity/emea"))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_marker_is_one_hidden_line_whatever_the_directory_is_called(name: str) -> None:
    assert re.fullmatch(r"<!-- reconciler:plan directory=[a-z0-9-]+-[0-9a-f]{16} -->", marker(directory(name)))
    assert "--" not in marker(directory(name))[4:-3]


# Room


def balanced(markdown: str) -> Page:
    """Every fold and every block that begins also ends."""
    assert markdown.count("<details>") == markdown.count("</details>")
    assert markdown.count("\n```diff\n") == markdown.count("\n```\n")
    return assert_inert(markdown, links=[WHERE])


def deletions(number: int) -> Plan:
    steps = [user_step(Action.DELETE, f"p{n:04}@example.com", Reason.UNLISTED, origin=None) for n in range(number)]
    return make_plan(*steps)


def long_names(number: int) -> Plan:
    steps = []
    for n in range(number):
        name = f"{n:04}" + "界" * 10_000
        steps.append(user_step(Action.UPDATE, name, Reason.DIFFERS, changes=(Change(path="title", after=name),)))
        steps.append(user_step(Action.DELETE, f"x{name}", Reason.UNLISTED))
    return make_plan(*steps, directory=DirectoryIdentity(name="界" * 10_000, base_url="", dialect="generic"))


def a_large_group() -> Plan:
    return make_plan(
        group_step(Action.ADD_MEMBERS, "team-all", members=tuple(listed(f"p{n:05}@example.com") for n in range(20_000)))
    )


def refusals() -> Plan:
    verdict = Verdict(guard="protected", passed=False, number=1, limit="0", how_to_allow="take it out")
    verdicts = (Verdict(guard=f"g{'x' * n}", passed=False, number=n, limit="界" * 500) for n in range(500))
    return make_plan(guards=(*[verdict] * 500, *verdicts))


LARGE: Mapping[str, Callable[[], Plan]] = {
    "10,000 steps": ten_thousand,
    "20,000 members": a_large_group,
    "1,000 refusals": refusals,
    "5,000 deletions": functools.partial(deletions, 5_000),
    "10 kB names": functools.partial(long_names, 40),
}
LIMITS = (LIMIT, SMALLEST_LIMIT, 1_000_000)


@pytest.mark.parametrize(
    ("name", "limit"), [(name, limit) for name in LARGE for limit in LIMITS[: 1 if name == "10,000 steps" else 3]]
)
def test_a_comment_stays_below_its_limit_and_whole(name: str, limit: int) -> None:
    plan = LARGE[name]()
    markdown = render_markdown(plan, limit=limit, where=WHERE)
    assert len(markdown.encode()) <= limit
    if limit <= LIMIT:
        balanced(markdown)
    lines = markdown.splitlines()
    assert lines[0] == marker(plan)
    assert lines[2].startswith("## Plan")
    assert "**Risks:**" in markdown
    assert lines[-1] == str(plan.summary)
    assert not plan.refusals or "**Refused by 1,000 guards:** `protected` (500)" in markdown
    assert "not shown here" not in markdown or f"]({WHERE.replace('&', '&amp;')})" in markdown


@settings(max_examples=cases(15, thorough=300), deadline=None)
@given(number=st.integers(1, 400), limit=st.integers(SMALLEST_LIMIT, 20_000))
def test_what_is_shown_and_what_is_said_not_to_be_shown_make_up_all(number: int, limit: int) -> None:
    markdown = render_markdown(deletions(number), limit=limit)
    shown = markdown.count("**Delete** user")
    hidden = sum(int(found.replace(",", "")) for found in re.findall(r"([\d,]+) more changes not shown here", markdown))
    hidden_folds = re.search(r"([\d,]+) more to delete or deactivate", markdown)
    # A fold for which there is no room at all is counted in the headline only, and the end says that not all is shown.
    if hidden_folds is None and number > 50:
        hidden += number - 50
        assert "**Not all is shown here.**" in markdown
    assert shown + hidden == number


def test_values_go_before_names_and_folds_before_losses() -> None:
    plan = make_plan(*long_names(40).steps, *deletions(30).steps)
    markdown = render_markdown(plan, limit=12_000)
    assert markdown.count("**Delete** user") > markdown.count("\n! ") > 0
    assert "shown without details" in markdown


def test_without_an_address_it_says_how_to_see_the_rest() -> None:
    assert "The whole plan: `reconciler show FILE`." in render_markdown(deletions(500), limit=SMALLEST_LIMIT)
    elsewhere = render_markdown(deletions(500), limit=SMALLEST_LIMIT, where="artefact @plan of this run")
    assert "The whole plan: artefact `@plan` of this run." in elsewhere


def test_a_limit_that_holds_no_headline_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2000 bytes"):
        render_markdown(SAMPLES["tiny"](), limit=SMALLEST_LIMIT - 1)


# Nothing foreign is alive


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_hold_no_link_reference_or_command(name: str) -> None:
    assert_inert(render_markdown(SAMPLES[name](), where=WHERE), links=[WHERE])


foreign = st.sampled_from(ATTACKS) | st.text(min_size=1, max_size=40)


@settings(max_examples=cases(25, thorough=2_000), deadline=None)
@given(text=foreign, other=foreign)
def test_foreign_text_changes_nothing_but_text(text: str, other: str) -> None:
    page = assert_inert(render_markdown(saturated(text, other), limit=1_000_000))
    neutral = assert_inert(render_markdown(saturated("one", "one" if text == other else "two"), limit=1_000_000))
    # Which allowance is not needed depends on what the text says, and that is one risk more or less in the list.
    structure, expected = (
        [tag for tag in shown.tags if tag not in ("code", "li", "strong")] for shown in (page, neutral)
    )
    assert structure == expected
    assert page.cells == neutral.cells
