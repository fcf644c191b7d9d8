"""A workspace and its directory with the command in this process: many commands cost no process each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from command_line import Done
from reconciler import load_config
from reconciler.cli.entry import run
from reconciler.sandbox.server import Sandbox
from reconciler.store import RunRecord, Store
from sandboxes import client_of

if TYPE_CHECKING:
    import httpx
    import pytest

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

STATED: Mapping[str, Any] = {
    "users": [{"userName": "ada@example.com", "title": "Engineer"}, {"userName": "bob@example.com"}],
    "groups": [{"displayName": "team-core", "members": ["ada@example.com"]}],
}
"""Ada and Bob, and Ada in a group; nobody else."""

CAREFUL_OF_NOTHING = {
    "users": {"deactivate": {"count": 100}, "delete": {"count": 100}},
    "members": {"remove": {"count": 100}},
    "memberships": {"remove": {"count": 100}},
}
"""Guards for directories so small that every change is a large part of them."""


@dataclass
class Desk:
    """A workspace for a sandbox that records what it is asked, and somebody who calls commands."""

    path: Path
    sandbox: Sandbox
    capsys: pytest.CaptureFixture[str]

    def state(self, resources: Mapping[str, Any], **directory: Any) -> None:
        """State this, and nothing else; ``directory`` are keys of ``directory.yaml`` beside those that are needed."""
        rules = {
            "directory": {"name": "acme", "base_url": "${SCIM_BASE_URL}", "token": {"env": "SCIM_TOKEN"}},
            "unlisted": {"users": "deactivate", "groups": "ignore"},
            "guards": CAREFUL_OF_NOTHING,
        }
        (self.path / "directory.yaml").write_text(yaml.safe_dump(rules | directory), encoding="utf-8")
        (self.path / "resources.yaml").write_text(yaml.safe_dump(dict(resources)), encoding="utf-8")

    def call(self, *arguments: str) -> Done:
        """Run a command to its end."""
        self.capsys.readouterr()
        code = run([*arguments, "--no-color", "-C", str(self.path)])
        shown = self.capsys.readouterr()
        return Done(code, shown.out, shown.err)

    def document(self, *arguments: str) -> Any:
        """Run a command and return its JSON document."""
        return json.loads(self.call(*arguments, "--json").stdout)

    @property
    def pending_plan(self) -> Path:
        return self.path / ".reconciler" / "pending.plan"

    @property
    def writes(self) -> int:
        """How many requests have asked the directory to change something."""
        return sum(request.method in WRITES for request in self.sandbox.requests)

    def title(self, name: str) -> Any:
        return self._found("Users", "userName", name).get("title")

    def active(self, name: str) -> Any:
        return self._found("Users", "userName", name)["active"]

    def members(self, group: str) -> set[str]:
        found = self._found("Groups", "displayName", group)
        names = {user["id"]: user["userName"] for user in self._all("Users")}
        return {names[member["value"]] for member in found.get("members", ())}

    def users(self) -> set[str]:
        return {user["userName"] for user in self._all("Users")}

    def set_title(self, name: str, title: str) -> None:
        """Change a title by hand."""
        self._patch("Users", self._found("Users", "userName", name), {"op": "add", "path": "title", "value": title})

    def add_member(self, group: str, name: str) -> None:
        """Put somebody into a group by hand."""
        member = {"value": self._found("Users", "userName", name)["id"]}
        found = self._found("Groups", "displayName", group)
        self._patch("Groups", found, {"op": "add", "path": "members", "value": [member]})

    def runs(self) -> list[RunRecord]:
        """The runs in the store, the oldest first; none where there is no store."""
        with self.store() as store:
            return [] if store is None else store.runs()[::-1]

    @contextmanager
    def store(self) -> Iterator[Store | None]:
        store = Store.open_existing(load_config(self.path), self.path, {})
        if store is None:
            yield None
            return
        with store:
            yield store

    def _all(self, endpoint: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._request("GET", f"/{endpoint}").json().get("Resources", [])
        return found

    def _found(self, endpoint: str, attribute: str, name: str) -> dict[str, Any]:
        (found,) = [one for one in self._all(endpoint) if one[attribute] == name]
        return found

    def _patch(self, endpoint: str, resource: dict[str, Any], operation: dict[str, Any]) -> None:
        self._request("PATCH", f"/{endpoint}/{resource['id']}", json={"schemas": [PATCH], "Operations": [operation]})

    def _request(self, method: str, path: str, **content: Any) -> httpx.Response:
        with client_of(self.sandbox) as client:
            headers = {"Content-Type": "application/scim+json"}
            return client.request(method, path, headers=headers, **content).raise_for_status()
