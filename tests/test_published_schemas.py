"""The schemas that are published with the documents are those of this version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from command_line import call

PUBLISHED = Path(__file__).parents[1] / "docs" / "schemas"


@pytest.mark.parametrize("name", ["plan", "events"])
def test_the_published_schema_is_what_the_command_prints(name: str) -> None:
    done = call(["schema", name])
    assert done.code == 0
    Draft202012Validator.check_schema(done.document)
    # To write them anew: reconciler schema plan > docs/schemas/plan.schema.json, and the same for events.
    assert (PUBLISHED / f"{name}.schema.json").read_text(encoding="utf-8") == done.stdout, f"reconciler schema {name}"
    assert json.loads(done.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
