"""The lines of the event stream: one line each, harmless, and as the published schema says."""

from __future__ import annotations

import json
from typing import Any, get_args

import jsonschema_rs
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from random_structs import TEXTS, values_of
from reconciler.applying import ApplyEvent, Outcome, Status
from reconciler.diagnostics import Diagnostic
from reconciler.model import Kind, Observation, Origin
from reconciler.planning import Action, Note, Reason, Step, Verdict
from reconciler.rendering import event_facts, events
from reconciler.scim.retry import ThrottleEvent
from sample_plans import ALL, HOSTILE, refused, tiny, user_step
from thoroughness import cases

NOW = "2026-11-22T00:00:00.000Z"
LINES: tuple[type[events.Event], ...] = get_args(events.Line)
SCHEMA = events.events_schema()
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)

law = settings(max_examples=cases(10, thorough=50), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def checked(event: events.Event | None) -> dict[str, Any]:
    """The JSON of the line of an event, which harms nobody."""
    assert event is not None
    line = events.json_line(event)
    assert line.isascii()
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    document: dict[str, Any] = json.loads(line)
    VALIDATOR.validate(document)
    assert document["message"].isprintable()
    assert not document["message"].lstrip().startswith("::")
    return document


def test_the_schema_knows_all_types_of_lines_and_describes_them() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    types = {
        one["properties"]["type"]["const"] for one in SCHEMA["$defs"].values() if "type" in one.get("properties", ())
    }
    assert types == {
        *("version", "read_start", "read_complete", "diagnostic", "planned_step", "guard", "step_started"),
        *("step_applied", "step_failed", "step_skipped", "chunk_complete", "throttled", "summary"),
    }
    for definition in SCHEMA["$defs"].values():
        assert definition["description"]
        assert all(field["description"] for field in definition.get("properties", {}).values())
        assert definition.get("type") != "object" or definition["additionalProperties"] is False


@pytest.mark.parametrize("cls", LINES)
@given(data=st.data())
@law
def test_every_line_that_can_be_told_is_one_line_of_ascii_that_is_valid(
    cls: type[events.Event], data: st.DataObject
) -> None:
    event = data.draw(values_of(cls))
    line = events.json_line(event)
    assert line.isascii()
    assert line[:-1].isprintable()
    VALIDATOR.validate(json.loads(line))
    assert msgspec.json.decode(line, type=cls) == event


@pytest.mark.parametrize("name", [name for name in ALL if name != "ten_thousand"])
def test_every_sample_plan_can_be_told(name: str) -> None:
    plan = ALL[name]()
    for step in plan.steps:
        assert checked(event_facts.planned_step(step, time=NOW))["step"] == step.id
        checked(event_facts.waits(step, time=NOW))
    for verdict in plan.guards:
        assert checked(event_facts.guard(verdict, time=NOW))["passed"] is verdict.passed
    for note in plan.notes:
        checked(event_facts.note(note, time=NOW))


def finished(outcome: Outcome, **facts: Any) -> ApplyEvent:
    return ApplyEvent(
        type="step_finished",
        run_id="run",
        chunk=1,
        chunks=1,
        done=1,
        total=1,
        step=outcome.step,
        outcome=outcome,
        **facts,
    )


@given(TEXTS)
@law
def test_no_name_no_answer_and_no_path_harms_a_message(text: str) -> None:
    step = user_step(Action.UPDATE, text, Reason.RENAMED, correlated_by=text, note=text)
    verdict = Verdict(guard=text, passed=False, number=1, limit=text, subject=text)
    wait = ThrottleEvent(method=text, path=text, status=None, attempt=1, wait=1.0)
    checked(event_facts.version(text, time=NOW))
    checked(event_facts.read_start(text, time=NOW))
    checked(event_facts.planned_step(step, time=NOW))
    checked(event_facts.guard(verdict, time=NOW))
    checked(event_facts.guard(msgspec.structs.replace(verdict, passed=True), time=NOW))
    checked(event_facts.guard(msgspec.structs.replace(verdict, passed=True, allowed_by=text), time=NOW))
    checked(event_facts.throttled(wait, time=NOW))
    checked(event_facts.diagnostic(Diagnostic(code="x", message=text, origin=Origin(text, 1, 1), hint=text), time=NOW))
    checked(event_facts.note(Note(severity="note", code="x", message=text, origin=text), time=NOW))
    for status in Status:
        checked(event_facts.of_apply(finished(Outcome(step=step, status=status, message=text)), time=NOW))


STEP: Step = tiny().steps[0]


@pytest.mark.parametrize(
    ("status", "type_"),
    [
        (Status.APPLIED, "step_applied"),
        (Status.DIFFERS, "step_applied"),
        (Status.FAILED, "step_failed"),
        (Status.STALE, "step_failed"),
        (Status.SKIPPED, "step_skipped"),
        (Status.NOT_TRIED, "step_skipped"),
    ],
)
def test_how_a_step_ended_is_told_by_type_and_status(status: Status, type_: str) -> None:
    line = checked(event_facts.of_apply(finished(Outcome(step=STEP, status=status)), time=NOW))
    assert (line["type"], line["status"]) == (type_, status.value)
    assert line["message"] == f"create user ada@example.com: {status.value.replace('_', ' ')}"
    assert "recorded" not in line


def test_what_is_known_of_the_end_of_a_step_is_told() -> None:
    outcome = Outcome(
        step=STEP,
        status=Status.DIFFERS,
        message="title was not kept",
        resource_id="u1",
        http_status=200,
        requests=2,
        request_id="r1",
        differences=(Observation(kind=Kind.USER, id="u1", path="title", wrote="a", stored=None),),
    )
    line = checked(event_facts.of_apply(finished(outcome, recorded=False), time=NOW))
    assert line["message"] == "create user ada@example.com: differs (title was not kept)"
    told = ("why", "resource_id", "http_status", "requests", "request_id", "differing", "recorded", "run")
    assert [line[name] for name in told] == ["title was not kept", "u1", 200, 2, "r1", ["title"], False, "run"]


def test_what_has_no_line_is_none() -> None:
    begun = ApplyEvent(type="chunk_started", run_id="run", chunk=1, chunks=2, done=0, total=3)
    assert event_facts.of_apply(begun, time=NOW) is None


def test_notes_are_told_with_file_and_line() -> None:
    placed = Note(severity="warning", code="case-only", message="x", origin="a:b/c.yaml:12")
    line = checked(event_facts.note(placed, time=NOW))
    assert (line["file"], line["line"], line["severity"]) == ("a:b/c.yaml", 12, "warning")
    assert "file" not in checked(event_facts.note(Note(severity="note", code="x", message="x"), time=NOW))


def test_long_names_and_reasons_are_cut_in_messages_alone() -> None:
    step = user_step(Action.CREATE, "x" * 10_000, Reason.NOT_IN_DIRECTORY)
    failed = Outcome(step=step, status=Status.FAILED, message="y" * 10_000)
    line = checked(event_facts.of_apply(finished(failed), time=NOW))
    assert len(line["message"]) < 1000
    assert (len(line["name"]), len(line["why"])) == (10_000, 10_000)


def test_the_name_of_a_file_that_is_no_utf8_can_be_told() -> None:
    line = checked(
        event_facts.diagnostic(Diagnostic(code="x", message="x", origin=Origin("\udcff.yaml", 1, 1)), time=NOW)
    )
    assert line["file"] == "\udcff.yaml"


def test_who_refuses_a_plan_is_named_once() -> None:
    verdicts = refused().refusals
    assert event_facts.refused_by([*verdicts, *verdicts]).count(verdicts[0].guard) == 1
    assert event_facts.refused_by([Verdict(guard=HOSTILE, passed=False, number=1, limit="0")]).isprintable()
