"""The published schema takes exactly what the program takes for the fields of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from desired_and_live import AS_OF
from random_states import States, states
from random_structs import JSON, values_of
from reconciler.diagnostics import DiagnosticsError
from reconciler.planning import Plan, as_json, plan
from reconciler.planning.document_schema import document_schema
from sample_plans import ALL
from thoroughness import cases

law = settings(max_examples=cases(60, thorough=500), deadline=None, suppress_health_check=[HealthCheck.too_slow])

VALIDATOR = jsonschema_rs.validator_for(document_schema())


def readable(document: Any) -> bool:
    """Tell whether the program takes a document for a plan, intact or not."""
    try:
        msgspec.json.decode(msgspec.json.encode(document), type=Plan)
    except msgspec.ValidationError:
        return False
    return True


def places(value: Any) -> Iterator[tuple[dict[str, Any] | list[Any], str | int]]:
    """Yield every place in a document in which a value stands."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


@pytest.mark.parametrize("name", ALL)
def test_every_sample_is_valid(name: str) -> None:
    VALIDATOR.validate(as_json(ALL[name]()))


@given(values_of(Plan))
@law
def test_every_plan_that_can_be_written_is_valid(made: Plan) -> None:
    VALIDATOR.validate(as_json(made))


@given(states())
@law
def test_every_plan_of_the_planner_is_valid(given_states: States) -> None:
    try:
        made = plan(given_states.desired, given_states.live, as_of=AS_OF)
    except DiagnosticsError:
        return
    VALIDATOR.validate(as_json(made))


@given(values_of(Plan), st.data())
@law
def test_what_is_altered_is_valid_as_long_as_it_can_be_read(made: Plan, data: st.DataObject) -> None:
    document = deepcopy(as_json(made))
    holder, key = data.draw(st.sampled_from([(document, "tool"), *places(document)]))
    match data.draw(st.sampled_from(["other value", "unknown field", "gone"])):
        case "unknown field" if isinstance(holder, dict):
            holder["unknown"] = None
        case "gone":
            del holder[key]
        case _:
            holder[key] = data.draw(JSON)
    event(f"readable: {readable(document)}")
    assert VALIDATOR.is_valid(document) == readable(document)
