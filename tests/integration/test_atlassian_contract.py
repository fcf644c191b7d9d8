"""Every request that a run sends to Atlassian is one that Atlassian's own API description allows.

The description is not part of this repository. Where it is absent, these tests are skipped.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator

from every_dialect import OURS, apply, stages
from reconciler.sandbox.gate import RecordedRequest
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving
from scenario import Start
from whole_way import Workspace

CONTRACT = Path(__file__).parents[3] / "shared" / "contracts" / "atlassian-user-provisioning.openapi.json"

pytestmark = pytest.mark.skipif(not CONTRACT.exists(), reason=f"Atlassian's API description is not at {CONTRACT}")


class Contract:
    """What an OpenAPI 3.0 document says of requests.

    ``readOnly`` is not enforced: the document marks ``schemas``, ``externalId`` and ``members`` so, and in the same
    breath requires them in requests.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._paths = {
            re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"): operations
            for path, operations in document["paths"].items()
        }

    def violations(self, request: RecordedRequest) -> list[str]:
        """Return what the document does not allow about a request."""
        operations = next((found for path, found in self._paths.items() if path.match(request.path)), None)
        if operations is None:
            return [f"unknown path {request.path}"]
        operation = operations.get(request.method.lower())
        if operation is None:
            return [f"{request.method} is not allowed on {request.path}"]
        known = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
        problems = [f"unknown parameter {name}" for name, _ in parse_qsl(request.query) if name not in known]
        if request.body:
            problems += self._body_violations(operation, json.loads(request.body))
        return problems

    def _body_violations(self, operation: dict[str, Any], body: Any) -> list[str]:
        description = operation.get("requestBody")
        if description is None:
            return ["a body where none is expected"]
        if "$ref" in description:
            description = self._document["components"]["requestBodies"][description["$ref"].rpartition("/")[2]]
        schema = description["content"]["application/scim+json"]["schema"]
        validator = Draft202012Validator({**schema, "components": self._document["components"]})
        return [error.message for error in validator.iter_errors(body)]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract(json.loads(CONTRACT.read_text(encoding="utf-8")))


SEED = {
    "users": [
        {
            "userName": f"{name}@example.com",
            "externalId": name,
            "title": "Intern",
            "emails": [{"value": f"{name}@example.com", "type": "work", "primary": True}],
            "active": name != "back",
        }
        for name in ("ada", "leaver", "back", "mover")
    ],
    "groups": [
        {"displayName": "old-name", "members": ["ada@example.com", "leaver@example.com"]},
        {"displayName": "gone", "members": ["mover@example.com"]},
    ],
}
FILES = """
users:
  - userName: ada@example.com
    externalId: ada
    title: Engineer
    name: {givenName: Ada, familyName: Example}
    displayName: Ada Example
    nickName: null
    department: Platform
    timezone: Europe/Berlin
    phoneNumbers: ["+49 30 1"]
    emails: [ada@example.com, ada@example.org]
  - {userName: back@example.com, externalId: back}
  - {userName: mover.new@example.com, externalId: mover, emails: [mover.new@example.com]}
  - {userName: joiner@example.com, externalId: joiner, emails: [joiner@example.com]}
groups:
  - {displayName: new-name, members: [ada@example.com, joiner@example.com], lifecycle: {previously: [old-name]}}
  - {displayName: everybody, match: 'active eq true'}
"""


def test_every_request_of_a_full_run_is_in_the_contract(start: Start, contract: Contract) -> None:
    scenario, sandbox = start("atlassian", seed=SEED)
    scenario.write(FILES).converge()
    scenario.write("users: []\ngroups: []").converge()
    seen = {(request.method, "id" if request.path.count("/") > 4 else "") for request in sandbox.requests}
    assert {("POST", ""), ("PATCH", "id"), ("DELETE", "id"), ("GET", "id"), ("GET", "")} <= seen
    problems = [
        f"{request.method} {request.path}: {problem}"
        for request in sandbox.requests
        for problem in contract.violations(request)
    ]
    assert problems == []


def test_every_request_of_the_scenario_of_all_dialects_is_in_the_contract(tmp_path: Path, contract: Contract) -> None:
    with leaving(Sandbox("atlassian", record=True)) as sandbox:
        workspace = Workspace(tmp_path, sandbox.base_url, sandbox.token, dialect="atlassian", scope=OURS)
        for stage in stages(count=12):
            assert apply(workspace, stage).converged
        assert [told for request in sandbox.requests for told in contract.violations(request)] == []


def test_looking_for_what_a_creation_clashes_with_is_in_the_contract(start: Start, contract: Contract) -> None:
    scenario, sandbox = start("atlassian")
    live, planned = scenario.live(), scenario.write(FILES).plan()
    scenario.write(FILES.replace("title: Engineer", "title: Boss")).apply()
    assert not scenario.apply_to(planned, live).complete
    assert any("filter=" in request.query for request in sandbox.requests)
    assert [told for request in sandbox.requests for told in contract.violations(request)] == []


def test_the_check_itself_finds_what_is_not_allowed(contract: Contract) -> None:
    def request(method: str, path: str, query: str = "", body: bytes = b"") -> RecordedRequest:
        return RecordedRequest(method=method, path=path, query=query, body=body, status=200)

    base = "/scim/directory/1"
    assert contract.violations(request("GET", f"{base}/Bulk"))
    assert contract.violations(request("PUT", f"{base}/Users"))
    assert contract.violations(request("GET", f"{base}/Groups", query="excludedAttributes=members"))
    assert contract.violations(request("PATCH", f"{base}/Users/1", body=b'{"operations": 1}'))
    assert contract.violations(request("POST", f"{base}/Users", body=b'{"emails": "a@example.com"}'))
