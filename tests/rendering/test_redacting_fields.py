"""A person's name in every field of a plan, whatever fields it has: what redaction leaves, and where that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from reconciler.ci.annotations import annotate
from reconciler.ci.reports import Findings, report
from reconciler.ci.summaries import summary_of
from reconciler.model import Kind
from reconciler.planning import Plan
from reconciler.rendering import event_facts, render_diagnostics, render_json, render_text
from reconciler.rendering.events import json_line
from reconciler.rendering.markdown import render_markdown
from reconciler.rendering.redacting import redacted
from reconciler.rendering.report import render_html

PERSON = "qzxjada"

STAY = frozenset(
    {
        # Groups, which a reviewer has to know.
        *("AccessChange.via", "Edge.via", "Effect.unknown", "GroupEffect.id", "GroupEffect.name", "UserEffect.kept"),
        # What says which directory and which files it is about.
        *("DirectoryIdentity.base_url", "DirectoryIdentity.dialect", "DirectoryIdentity.name"),
        *("DesiredIdentity.commit", "DesiredIdentity.digest", "Since.commit", "Plan.digest", "Plan.tool"),
        # Moments.
        *("Grace.since", "Grace.until", "Pending.since", "Pending.until", "Plan.as_of"),
    }
)
"""The fields that redaction leaves as they are, where everything else in the plan is about people."""


def filled(info: inspect.Type, place: str = "", *, without: frozenset[str] = frozenset()) -> Any:
    """A value of a type in which every text names the person, but for the fields of some places."""
    named = place if place in without else f"{place} {PERSON}"
    match info:
        case inspect.StructType(cls=cls, fields=fields):
            inner = {one.name: filled(one.type, f"{cls.__name__}.{one.name}", without=without) for one in fields}
            return cls(**inner)
        case inspect.VarTupleType(item_type=item):
            return (filled(item, place, without=without),)
        case inspect.UnionType(types=types):
            return filled(next(one for one in types if not isinstance(one, inspect.NoneType)), place, without=without)
        case inspect.EnumType(cls=enum):
            return Kind.USER if enum is Kind else next(iter(enum))
        case inspect.LiteralType(values=values):
            return values[0]
    simple = {inspect.BoolType: False, inspect.IntType: 1, inspect.DictType: {named: named}}
    return simple.get(type(info), named)


def leaks(value: Any, place: str = "") -> Iterator[str]:
    """Yield the places whose text names the person."""
    if isinstance(value, str) and PERSON in value:
        yield place
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from leaks(getattr(value, name), f"{type(value).__name__}.{name}")
    elif isinstance(value, dict):
        yield from (found for both in value.items() for one in both for found in leaks(one, place))
    elif isinstance(value, (list, tuple)):
        yield from (found for one in value for found in leaks(one, place))


def test_only_the_fields_that_are_about_no_person_are_left_as_they_are() -> None:
    """A new field is redacted, or somebody has decided here that it need not be."""
    assert {*leaks(redacted(filled(inspect.type_info(Plan))))} == STAY


def test_no_rendering_shows_what_redaction_takes_out() -> None:
    whole: Plan = filled(inspect.type_info(Plan), without=STAY)
    plan = redacted(whole)
    found = annotate(plan)
    shown = {
        "text": render_text(plan, color=False, full=True, saved=True, left_out=True),
        "by person": render_text(plan, color=False, full=True, group_by="user"),
        "by group": render_text(plan, color=False, full=True, group_by="group"),
        "markdown": render_markdown(whole, redact=True),
        "report": render_html(whole, redact=True),
        "json": render_json(plan),
        "events": "".join(json_line(event_facts.planned_step(step, time="")) for step in plan.steps),
        "issue": report(Findings(directory="acme", pending=whole), host="github", label="reconciler", redact=True).body,
        "summary": summary_of(whole, redact=True),
        "annotations": render_diagnostics(found, "github"),
        "code quality": render_diagnostics(found, "gitlab"),
        "problems": render_diagnostics(found, "text"),
    }
    assert [name for name, rendered in shown.items() if PERSON in rendered] == []
    assert all(PERSON in render_text(whole, color=False, group_by=by) for by in ("kind", "user", "group"))
