"""Nothing that a plan holds leaves the layout of any rendering, and all renderings tell the same numbers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings

from harmless import assert_harmless
from markdown_pages import assert_inert
from random_plans import SEEDS, any_plan
from reconciler.ci.annotations import GITHUB_SHOWS, annotate
from reconciler.ci.hosts import Host
from reconciler.ci.reports import Findings, report
from reconciler.ci.summaries import summary_of
from reconciler.planning import Plan
from reconciler.rendering import event_facts, render_diagnostics, render_json, render_text
from reconciler.rendering.events import json_line
from reconciler.rendering.grouping import GroupBy
from reconciler.rendering.markdown import Flavour, render_markdown
from reconciler.rendering.people import people
from reconciler.rendering.person import render_person
from reconciler.rendering.redacting import redacted
from reconciler.rendering.report import render_html
from report_pages import ReportPage
from sample_plans import SAMPLES
from thoroughness import cases

NOW = "2026-11-22T00:00:00.000Z"
GROUPINGS: tuple[GroupBy, ...] = get_args(GroupBy)
FLAVOURS: tuple[Flavour, ...] = get_args(Flavour)
HOSTS: tuple[Host, ...] = get_args(Host)

law = settings(max_examples=cases(12, thorough=600), deadline=None)


def text_in_every_shape(plan: Plan) -> None:
    for by in GROUPINGS:
        for full, width in ((True, None), (False, 60)):
            rendered = render_text(plan, color=full, full=full, width=width, saved=True, left_out=full, group_by=by)
            assert_harmless(rendered, color=full)
            assert rendered.endswith(f"\n{plan.summary}\n")


def the_view_of_each_person(plan: Plan) -> None:
    for name in [*(person.name for person in people(plan)[:3]), "somebody else"]:
        assert_harmless(render_person(plan, name, color=False))


def comments(plan: Plan) -> None:
    for flavour in FLAVOURS:
        assert_inert(render_markdown(plan, flavour=flavour, limit=1_000_000))
    cut = render_markdown(plan, limit=5_000)
    assert len(cut.encode()) <= 5_000
    assert_inert(cut)


def the_report(plan: Plan) -> None:
    document = render_html(plan)
    assert all(character.isprintable() or character == "\n" for character in document)
    page = ReportPage(document)
    assert page.tags.keys() <= known_tags()
    assert all(text.isprintable() for text in page.plan["texts"])
    assert not {"<", ">", "&", "\u2028", "\u2029"} & set(page.data)


def the_document(plan: Plan) -> None:
    rendered = render_json(plan)
    assert rendered.isascii()
    assert_harmless(rendered)
    assert msgspec.json.decode(rendered, type=Plan) == plan


def the_event_stream(plan: Plan) -> None:
    events: Iterator[Any] = (
        told
        for some in (
            (event_facts.note(note, time=NOW) for note in plan.notes),
            (event_facts.planned_step(step, time=NOW) for step in plan.steps),
            (event_facts.waits(step, time=NOW) for step in plan.steps),
            (event_facts.guard(verdict, time=NOW) for verdict in plan.guards),
            [event_facts.read_start(plan.directory.name, time=NOW)],
        )
        for told in some
    )
    for event in events:
        line = json_line(event)
        assert line.isascii()
        assert_harmless(line)
        assert line.count("\n") == 1
        assert_harmless(f"{json.loads(line)['message']}\n")
    assert event_facts.refused_by(plan.refusals).isprintable()


def annotations_of_lines(plan: Plan) -> None:
    found = annotate(plan, most=GITHUB_SHOWS)
    for line in render_diagnostics(found, "github", base="acme").splitlines():
        assert line.isprintable()
        assert line.startswith(("::error ", "::warning ", "::notice "))
        assert line.count("::") - line.partition("::")[2].partition("::")[2].count("::") == 2
    text = render_diagnostics(annotate(plan), "text", base="acme")
    assert not text or text.endswith("\n")
    if text:
        assert_harmless(text)
    quality = render_diagnostics(annotate(plan), "gitlab", base="acme")
    assert quality.isascii()
    assert_harmless(quality)
    for entry in json.loads(quality):
        assert_harmless(f"{entry['description']}\n")
        assert entry["check_name"].isprintable()


def the_issue(plan: Plan) -> None:
    for host in HOSTS:
        for redact in (False, True):
            told = report(
                Findings(directory=plan.directory.name, pending=plan), host=host, label="reconciler", redact=redact
            )
            assert_inert(told.body)
            assert told.title.isprintable()
            assert len(told.title) <= 255
            assert sum(line.startswith("<!--") for line in told.body.splitlines()) == 1


def the_summary_of_a_run(plan: Plan) -> None:
    assert_inert(summary_of(plan))


RENDERERS: tuple[Callable[[Plan], None], ...] = (
    text_in_every_shape,
    the_view_of_each_person,
    comments,
    the_report,
    the_document,
    the_event_stream,
    annotations_of_lines,
    the_issue,
    the_summary_of_a_run,
)


@functools.cache
def known_tags() -> frozenset[tuple[str, tuple[str, ...]]]:
    """Every tag with its attributes that the report of some sample has."""
    return frozenset(tag for sample in SAMPLES.values() for tag in ReportPage(render_html(sample())).tags)


@pytest.mark.parametrize("holds", RENDERERS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("redact", [False, True], ids=["whole", "redacted"])
@law
@given(seed=SEEDS)
def test_nothing_in_any_field_leaves_the_layout(holds: Callable[[Plan], None], redact: bool, seed: int) -> None:
    plan = any_plan(seed)
    holds(redacted(plan) if redact else plan)
