"""The dialect file that a probe writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from probes import TODAY, config
from reconciler.capabilities import AttributeRule, Authority, MembersRead, read_value
from reconciler.desired import load_config
from reconciler.probing import Finding, Probe, dialect_text
from reconciler.scim.dialects import Dialect, read_statement

PROBE = Probe(
    mark="reconciler-probe-0123456789",
    findings=(
        Finding(question="Paging?", seen="walked to the end", states={"paging": "index", "page_size": 50}),
        Finding(question="Filters?", seen="none", states={"user_filters": ()}),
        Finding(question="Members?", seen="nowhere: \x1b[31m#\n  x", states={"members_read": MembersRead.NONE}),
        Finding(question="Bulk?", seen="failed (500)", determined=False),
        Finding(question="Kept?", seen="dropped: title", rules=(AttributeRule(path="User.title", returned="never"),)),
        Finding(
            question="Renamed?", seen="refused", rules=(AttributeRule(path="User.userName", mutability="immutable"),)
        ),
        Finding(question="One?", seen="one was removed", states={"max_members_per_patch": 1}),
        Finding(question="More?", seen="ten", states={"max_members_per_patch": 10}),
    ),
)
DIRECTORY = """\
directory:
  name: acme
  dialect: acme.dialect.yaml
  base_url: https://scim.example.com/v2
  token: {env: SCIM_TOKEN}
unlisted: {users: ignore, groups: ignore}
"""


def test_every_line_says_what_was_seen_and_when() -> None:
    stated = yaml.safe_load(dialect_text(config(), PROBE, TODAY))["capabilities"]
    assert stated["page_size"] == {"value": 50, "source": "probed 2026-11-22: walked to the end"}
    assert all(line["source"].startswith("probed 2026-11-22: ") for line in stated.values())


def test_a_workspace_loads_it(tmp_path: Path) -> None:
    (tmp_path / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    (tmp_path / "acme.dialect.yaml").write_text(dialect_text(config(), PROBE, TODAY), encoding="utf-8")
    own = load_config(tmp_path).own_dialect
    assert own is not None
    assert {name: statement.value for name, statement in own.capabilities.items()} == {
        "paging": "index",
        "page_size": 50,
        "user_filters": (),
        "members_read": MembersRead.NONE,
        "max_members_per_patch": 1,
        "attributes": (
            AttributeRule(path="User.title", returned="never"),
            AttributeRule(path="User.userName", mutability="immutable"),
        ),
    }


def test_what_a_server_said_cannot_break_out_of_its_line() -> None:
    text = dialect_text(config(), PROBE, TODAY)
    assert "\x1b" not in text
    assert yaml.safe_load(text)["capabilities"]["members_read"]["source"].startswith("probed 2026-11-22: nowhere: ")


def test_what_was_not_determined_is_not_stated() -> None:
    assert "bulk_operations" not in yaml.safe_load(dialect_text(config(), PROBE, TODAY))["capabilities"]


def test_a_probe_that_found_nothing_makes_a_dialect_that_states_nothing() -> None:
    text = dialect_text(config("slack"), Probe(mark="x", findings=()), TODAY)
    assert yaml.safe_load(text) == {
        "description": "acme, as probed on 2026-11-22.",
        "extends": "slack",
        "capabilities": {},
    }


def test_rules_of_an_own_dialect_for_other_attributes_are_kept() -> None:
    rules = [{"path": "User.nickName", "returned": "never"}, {"path": "User.title", "case_exact": True}]
    own = Dialect(
        name="acme.dialect.yaml",
        description="Acme's.",
        capabilities={"attributes": read_statement("attributes", rules, Authority.DIALECT)},
    )
    text = dialect_text(replace(config("acme.dialect.yaml"), own_dialect=own), PROBE, TODAY)
    document = yaml.safe_load(text)
    assert document["extends"] == "generic"
    assert read_value("attributes", document["capabilities"]["attributes"]["value"]) == (
        AttributeRule(path="User.nickName", returned="never"),
        AttributeRule(path="User.title", case_exact=True, returned="never"),
        AttributeRule(path="User.userName", mutability="immutable"),
    )


@pytest.mark.parametrize("name", ["acme", 'a"b: {c}', "名前", "x\n# y"])
def test_the_name_of_the_directory_cannot_break_the_file(name: str) -> None:
    assert yaml.safe_load(dialect_text(replace(config(), name=name), PROBE, TODAY))["extends"] == "generic"
