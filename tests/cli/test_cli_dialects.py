"""Dialects on the command line: a new workspace for one, the schema of one's own, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import call
from reconciler.desired import json_schema
from reconciler.desired.schema import SCHEMA_NAMES

OWN = """\
description: Acme's directory.
extends: slack
capabilities: {page_size: 50}
"""


@pytest.mark.parametrize(
    ("dialect", "base_url"),
    [
        ("aws-identity-center", "https://scim.${AWS_REGION}.amazonaws.com/${AWS_SCIM_TENANT_ID}/scim/v2"),
        ("entra-style", "${SCIM_BASE_URL}"),
    ],
)
def test_a_new_workspace_knows_where_the_service_provider_is(dialect: str, base_url: str, tmp_path: Path) -> None:
    assert call(["init", "--dialect", dialect], cwd=tmp_path).code == 0
    text = (tmp_path / "directory.yaml").read_text(encoding="utf-8")
    assert f'dialect: "{dialect}"' in text
    assert f'base_url: "{base_url}"' in text
    assert call(["validate", "--json"], cwd=tmp_path).document["valid"]


def test_a_new_workspace_has_every_schema(tmp_path: Path) -> None:
    call(["init"], cwd=tmp_path)
    schemas = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / ".schemas").iterdir()}
    assert schemas == {f"{name}.schema.json": json_schema(name) for name in SCHEMA_NAMES}


def test_the_schema_of_a_dialect_is_printed() -> None:
    assert call(["schema", "dialect"]).document == json_schema("dialect")


def test_a_dialect_of_the_workspace_is_validated_with_it(tmp_path: Path) -> None:
    call(["init", "--dialect", "slack"], cwd=tmp_path)
    directory = tmp_path / "directory.yaml"
    directory.write_text(
        directory.read_text(encoding="utf-8").replace('"slack"', "acme.dialect.yaml"), encoding="utf-8"
    )

    missing = call(["validate"], cwd=tmp_path)
    assert missing.code == 1
    assert "there is no file 'acme.dialect.yaml' in the workspace" in missing.stdout + missing.stderr

    (tmp_path / "acme.dialect.yaml").write_text(OWN.replace("slack", "slakc"), encoding="utf-8")
    wrong = call(["validate"], cwd=tmp_path)
    assert wrong.code == 1
    assert "acme.dialect.yaml:2:1" in wrong.stdout + wrong.stderr

    (tmp_path / "acme.dialect.yaml").write_text(OWN, encoding="utf-8")
    assert call(["validate", "--json"], cwd=tmp_path).document == {
        "valid": True,
        "files": 4,
        "users": 0,
        "groups": 0,
        "diagnostics": [],
    }
