from __future__ import annotations

import json

import pytest

from plan_parts import make_plan
from reconciler.planning import decode, encode
from reconciler.rendering import json_document, render_json
from sample_plans import SAMPLES


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "hostile"])
def test_the_json_form_is_a_plan_file(name: str) -> None:
    plan = SAMPLES[name]()
    assert decode(render_json(plan).encode()) == decode(render_json(plan).encode())
    assert decode(render_json(plan).encode()).digest == plan.digest


def test_json_is_ascii_and_loses_nothing() -> None:
    plan = SAMPLES["hostile"]()
    text = render_json(plan)
    assert all(line.isascii() and line.isprintable() for line in text.splitlines())
    assert decode(text.encode()).steps[0].name == plan.steps[0].name


def test_other_documents_are_in_the_same_form() -> None:
    assert json_document({"a": "é\x7f\x1b"}) == '{\n "a": "\\u00e9\\u007f\\u001b"\n}\n'


def test_no_runner_of_pipelines_finds_a_command_in_json() -> None:
    """Azure and TeamCity obey one wherever in a line it stands."""
    document = {"a": ["##vso[task.setvariable variable=x]y", "###[group]", "##", "\\##teamcity[x]"]}
    text = json_document(document)
    assert "##" not in text
    assert json.loads(text) == document
    plan = make_plan(reason="##vso[x]")
    assert b"##" not in encode(plan)
    assert decode(encode(plan)) == plan
