"""A SCIM endpoint as tests of the embedded directory use it: short calls, real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.attributes import CORE_GROUP, CORE_USER
from reconciler.model import Kind
from reconciler.sandbox.behaviour import Behaviour
from reconciler.sandbox.server import Sandbox
from sandboxes import client_of, leaving

if TYPE_CHECKING:
    import httpx

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Api:
    def __init__(self, sandbox: Sandbox, client: httpx.Client) -> None:
        self.sandbox = sandbox
        self.http = client

    def post_user(self, name: str, /, **attributes: Any) -> httpx.Response:
        """Create a user with everything that any dialect requires."""
        stated = {
            "schemas": [CORE_USER],
            "userName": name,
            "displayName": name,
            "name": {"givenName": name, "familyName": "Example"},
            "emails": [{"value": f"{name}@example.com", "type": "work", "primary": True}],
        }
        return self.http.post("/Users", json=stated | attributes)

    def user(self, name: str, /, **attributes: Any) -> str:
        """Create a user and return the id."""
        answer = self.post_user(name, **attributes)
        assert answer.status_code == 201, answer.text
        created: str = answer.json()["id"]
        return created

    def users(self, prefix: str, count: int) -> list[str]:
        return [self.user(f"{prefix}{number}") for number in range(count)]

    def post_group(self, name: str, *members: str, **attributes: Any) -> httpx.Response:
        body = {"schemas": [CORE_GROUP], "displayName": name, "members": [{"value": member} for member in members]}
        return self.http.post("/Groups", json=body | attributes)

    def group(self, name: str, *members: str, **attributes: Any) -> str:
        """Create a group and return the id."""
        answer = self.post_group(name, *members, **attributes)
        assert answer.status_code == 201, answer.text
        created: str = answer.json()["id"]
        return created

    def patch(self, url: str, *operations: dict[str, Any]) -> httpx.Response:
        return self.http.patch(url, json={"schemas": [PATCH], "Operations": list(operations)})

    def get(self, url: str, **query: Any) -> Any:
        answer = self.http.get(url, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def found(self, path: str, text: str) -> list[str]:
        """Return the ids that a filter finds."""
        return [resource["id"] for resource in self.get(path, filter=text).get("Resources", [])]

    def members(self, group: str) -> list[str]:
        """Return who is in a group, also where the dialect does not show it."""
        with self.sandbox.directory.lock:
            return list(self.sandbox.directory.read(Kind.GROUP, group).members)


@contextmanager
def serving(rules: str | Behaviour) -> Iterator[Api]:
    with leaving(Sandbox(rules)) as sandbox, client_of(sandbox) as client:
        yield Api(sandbox, client)


def refusal(answer: httpx.Response) -> tuple[int, str | None]:
    """Return the status and the scimType of an answer."""
    return answer.status_code, answer.json().get("scimType")


def add(*members: str) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": member} for member in members]}


def remove(member: str) -> dict[str, Any]:
    return {"op": "remove", "path": f'members[value eq "{member}"]'}


def remove_array(*members: str) -> dict[str, Any]:
    return {"op": "remove", "path": "members", "value": [{"value": member} for member in members]}


def nested(op: str, *members: str) -> dict[str, Any]:
    return {"op": op, "path": "members", "value": {"members": [{"value": member} for member in members]}}


def replace_active(value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": "active", "value": value}
