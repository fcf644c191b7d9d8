"""One plan has one set of numbers: text, comment, report and document tell the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings

from random_plans import SEEDS, any_plan
from reconciler.planning import Plan
from reconciler.rendering import render_json, render_text
from reconciler.rendering.markdown import render_markdown
from reconciler.rendering.report import render_html
from report_pages import ReportPage
from sample_plans import SAMPLES
from thoroughness import cases

Document = dict[str, Any]

SUMMARY = re.compile(
    r"Plan: (\d+) to create, (\d+) to update, (\d+) to deactivate, (\d+) to delete; "
    r"(\d+) memberships to add, (\d+) to remove\."
)
GOING = ("deactivate", "delete")
ACCESS = {
    "gain": r": ([\d,]+) gains?(?=[,;]|$)",
    "lose": r"(?:: |, )([\d,]+) loses?\b",
    "both": r"([\d,]+) gains? and loses?",
    "leave": r"\(([\d,]+) with the account\)",
    "last": r"([\d,]+) keeps? a working account and (?:is|are) left without any group",
}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def told(pattern: str, text: str) -> int:
    """The number that a sentence tells; 0 where it does not speak of it."""
    found = re.search(pattern, text)
    return number(found[1]) if found else 0


def counted_in(document: Document) -> tuple[int, ...]:
    """The numbers of the last line, counted from the document alone."""
    numbers = Counter[str]()
    for step in document.get("steps", ()):
        numbers[step["action"]] += len(step.get("members", ())) or 1
    return (
        numbers["create"],
        numbers["update"] + numbers["reactivate"],
        numbers["deactivate"],
        numbers["delete"],
        numbers["add_members"],
        numbers["remove_members"],
    )


def access_in(document: Document) -> dict[str, int]:
    """Whose access changes, counted from the document alone."""
    effect = document.get("effect", {})
    gained, lost = (
        {name for group in effect.get("groups", ()) for change in group.get(side, ()) for name in change["users"]}
        for side in ("gained", "lost")
    )
    gone = [one for one in document.get("steps", ()) if one["kind"] == "User" and one["action"] in GOING]
    ids, names = {step.get("resource_id") for step in gone}, {step["name"].casefold() for step in gone}
    staying: list[Document] = []
    leaving: list[Document] = []
    for user in effect.get("users", ()):
        goes = user["id"] in ids if user.get("id") is not None else user["name"].casefold() in names
        (leaving if goes else staying).append(user)
    leavers = {user["name"] for user in leaving} - {user["name"] for user in staying}
    return {
        "gain": len(gained - lost),
        "lose": len(lost - gained),
        "both": len(gained & lost),
        "leave": len((lost - gained) & leavers),
        "last": sum(bool(user.get("before")) and user.get("after") == 0 for user in staying),
    }


class Told:
    """What each rendering tells of one plan."""

    def __init__(self, plan: Plan) -> None:
        self.document: Document = json.loads(render_json(plan))
        self.text = render_text(plan, color=False)
        self.comment = render_markdown(plan, limit=10_000_000)
        self.page = ReportPage(render_html(plan))

    def summaries(self) -> list[str]:
        return [self.text.splitlines()[-1], self.comment.splitlines()[-1], self.page.texts_of("p", "last-line")[0]]

    def headlines(self) -> list[str]:
        """What is said of access, in the text, in the comment and on the page."""
        found = (
            re.search(r"(?m)^Access: (.*)$", self.text),
            re.search(r"(?m)^\*\*Access:\*\* (.*)\.$", self.comment),
        )
        page = self.page.texts_of("p", "headline")[0].removesuffix(".")
        said = [one[1] if one else "" for one in found] + [page]
        return ["" if one.lower().startswith("nobody's") else one for one in said]

    def risks(self) -> list[list[str]]:
        """The titles of the risks, without the guards that refuse: these have a place of their own."""
        text = self.text.partition("Look at this first:\n")[2].partition("\n\n")[0].splitlines()
        comment = re.findall(r"(?m)^- (?:High|Medium): \*\*(.*?)\*\*", self.comment)
        page = self.page.texts_of("h3")
        titles = [line.strip()[2:].partition(":")[0] for line in text]
        shown = [
            [title for title in titles if "refuse this plan" not in title and "refuses this plan" not in title],
            comment,
            [title for title in page if title in self.page.plan["risks"]],
        ]
        return [*shown, self.page.plan["risks"]]


def assert_same_numbers(plan: Plan) -> None:
    """Assert that all renderings tell what can be counted from the document."""
    told_by = Told(plan)
    document, page = told_by.document, told_by.page
    summaries = told_by.summaries()
    assert len(set(summaries)) == 1
    expected = counted_in(document)
    found = SUMMARY.fullmatch(summaries[0])
    assert (tuple(map(int, found.groups())) if found else (0,) * 6) == expected

    access = access_in(document)
    for headline in told_by.headlines():
        assert {part: told(pattern, headline) for part, pattern in ACCESS.items()} == access, headline
    tiles = [number(shown) for shown in page.texts_of("b", "tiles")]
    gaining, losing = access["gain"] + access["both"], access["lose"] + access["both"]
    assert tiles == [*expected, gaining, losing, access["last"]]

    text, comment, shown, data = told_by.risks()
    assert text == comment == shown == data
    assert sum(told(r"([\d,]+) (?:person|people) keeps? a working account", one) for one in text) == access["last"]
    refusals = sum(not verdict["passed"] for verdict in document.get("guards", ()))
    assert told(r"([\d,]+) guards? refuses? this plan", told_by.text) == refusals
    assert told(r"\*\*Refused by ([\d,]+) guard", told_by.comment) == refusals
    assert told(r"Refused by ([\d,]+) guard", page.texts_of("p", "status")[0]) == refusals

    columns = page.plan["columns"]["person"]
    people = [dict(zip(columns, row, strict=True)) for row in page.plan["people"]]
    assert [(one["before"], one["after"]) for one in people] == [
        (one.get("before"), one.get("after")) for one in document.get("effect", {}).get("users", ())
    ]
    assert sum(one["last"] for one in people) == access["last"]
    assert len(page.plan["steps"]) == len(document.get("steps", ()))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_rendering_of_a_sample_tells_the_numbers_of_the_document(name: str) -> None:
    assert_same_numbers(SAMPLES[name]())


@settings(max_examples=cases(20, thorough=2_000), deadline=None)
@given(seed=SEEDS)
def test_every_rendering_of_any_plan_tells_the_numbers_of_the_document(seed: int) -> None:
    assert_same_numbers(any_plan(seed))
