"""A directory that nobody described yet becomes a workspace, and the next plan has nothing to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER
from reconciler.config import TokenSource
from reconciler.importing import DirectoryTemplate, ImportReport, Split, write_workspace
from reconciler.sandbox.server import Sandbox
from sandboxes import client_for, leaving
from scenario import Scenario
from third_party import scim2_server

PEOPLE: list[dict[str, Any]] = [
    {
        "schemas": [CORE_USER, ENTERPRISE_USER],
        "userName": "ada@example.com",
        "externalId": "1001",
        "name": {"givenName": "Ada", "familyName": "Example"},
        "displayName": "Ada: “Example” 🚀\u202e",
        "emails": [{"value": "ada@example.com", "type": "work", "primary": True}],
        "title": "NO",
        ENTERPRISE_USER: {"department": "Research & Development"},
    },
    {
        "schemas": [CORE_USER, ENTERPRISE_USER],
        "userName": "Grace@Example.com",
        "emails": [
            {"value": "grace@example.com", "type": "work", "primary": True},
            {"value": "grace@example.org", "type": "home"},
        ],
        "phoneNumbers": [{"value": "+49-30-1", "type": "work"}],
        "active": False,
        ENTERPRISE_USER: {"department": "research / development"},
    },
    {
        "schemas": [CORE_USER],
        "userName": "émile@example.com",
        "emails": [{"value": "emile@example.com", "primary": True}],
    },
]
TEAMS = {"team-platform": ["ada@example.com", "émile@example.com"], "No": ["Grace@Example.com"], "empty": []}


def imported(scenario: Scenario, split: Split) -> ImportReport:
    template = DirectoryTemplate(
        name="test", base_url=scenario.base_url, token=TokenSource(env="SCIM_TOKEN"), dialect=scenario.dialect
    )
    return write_workspace(scenario.live(), scenario.workspace, directory=template, split=split)


@pytest.mark.parametrize("split", Split)
@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
def test_importing_the_embedded_directory_leaves_nothing_to_plan(tmp_path: Path, dialect: str, split: Split) -> None:
    groups = [{"schemas": [CORE_GROUP], "displayName": name, "members": members} for name, members in TEAMS.items()]
    with leaving(Sandbox(dialect, seed={"users": PEOPLE, "groups": groups})) as sandbox:
        scenario = Scenario(tmp_path, sandbox.base_url, sandbox.token, dialect=dialect)
        report = imported(scenario, split)
        assert scenario.plan().steps == ()
    assert (report.users, report.groups, report.memberships) == (3, 3, 3)
    assert {entry.code for entry in report.left_out} <= {"reserved"}


@pytest.fixture
def third_party() -> Iterator[tuple[str, str]]:
    """A server that others wrote, with the people and teams above."""
    with scim2_server() as (base_url, token), client_for(base_url, token) as client:

        def create(endpoint: str, body: dict[str, Any]) -> str:
            answer = client.post(f"{base_url}/{endpoint}", json=body)
            assert answer.status_code == 201, answer.text
            resource_id: str = answer.json()["id"]
            return resource_id

        ids = {person["userName"]: create("Users", person) for person in PEOPLE}
        for name, members in TEAMS.items():
            values = [{"value": ids[member]} for member in members]
            create("Groups", {"schemas": [CORE_GROUP], "displayName": name, "members": values})
        yield base_url, token


@pytest.mark.slow
def test_importing_a_directory_that_others_wrote_leaves_nothing_to_plan(
    tmp_path: Path, third_party: tuple[str, str]
) -> None:
    scenario = Scenario(tmp_path, *third_party)
    report = imported(scenario, Split.DEPARTMENT)
    assert scenario.plan().steps == ()
    assert (report.users, report.groups, report.memberships, report.left_out) == (3, 3, 3, ())
    files = [file.relative_to(tmp_path).as_posix() for file in report.files]
    assert files == ["directory.yaml", "groups.yaml", "users/other.yaml", "users/research-development.yaml"]
