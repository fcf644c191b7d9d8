"""What a PATCH leaves, as npm's ``scim-patch`` sees it: a generated corpus, always the same, sent over real HTTP."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from npm_oracles import judge
from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER, rfc7643, unassigned
from reconciler.filters import Filter
from reconciler.sandbox.patch import PATCH_URN
from reconciler.sandbox.server import Sandbox
from sandboxes import client_of, leaving

if TYPE_CHECKING:
    import httpx

SEED = 20260601
USERS = 350
GROUPS = 150
PEOPLE = 6
TEXTS = ("engineer", "Köchin", "a b", 'quo"te', "研究", "7")
DEPARTMENT, MANAGER = f"{ENTERPRISE_USER}:department", f"{ENTERPRISE_USER}:manager"
SCHEMAS = rfc7643()

Row = dict[str, Any]


class Corpus:
    """Resources and operations out of one seed."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)  # noqa: S311  # a corpus, not a secret

    def maybe(self, value: Row) -> Row:
        return value if self.random.random() < 0.75 else {}

    def text(self) -> str:
        return self.random.choice(TEXTS)

    def user(self, number: int) -> Row:
        kinds = self.random.sample(("work", "home", "other"), self.random.randrange(4))
        return {
            "schemas": [CORE_USER, ENTERPRISE_USER],
            "userName": f"user{number}",
            **self.maybe({"title": self.text()}),
            **self.maybe({"active": self.random.random() < 0.5}),
            **self.maybe({"name": {"familyName": self.text(), **self.maybe({"givenName": self.text()})}}),
            **self.maybe({"emails": [self.email(kind) for kind in kinds]}),
            **self.maybe(
                {ENTERPRISE_USER: {"department": self.text(), **self.maybe({"manager": {"value": self.text()}})}}
            ),
        }

    def email(self, kind: str) -> Row:
        return {"value": f"{kind}{self.random.randrange(3)}@example.com", "type": kind, "primary": kind == "work"}

    def user_operation(self) -> Row:
        make = self.random.choice(
            (self.simple, self.part, self.whole, self.values, self.selected, self.part_of_selected, self.without_path)
        )
        return make(self.random.choice(("add", "replace", "remove")))

    def simple(self, op: str) -> Row:
        path = self.random.choice(("title", "nickName", "active", DEPARTMENT, f"{CORE_USER}:title", "TITLE"))
        if path == "active":  # never removed: the directory has a default for it
            return self.operation("replace" if op == "remove" else op, path, self.random.random() < 0.5)
        return self.operation(op, path, self.text())

    def part(self, op: str) -> Row:
        return self.operation(
            op, self.random.choice(("name.givenName", "name.familyName", f"{MANAGER}.value")), self.text()
        )

    def whole(self, op: str) -> Row:
        if self.random.random() < 0.2:
            return self.operation(op, ENTERPRISE_USER, {"department": self.text()})
        return self.operation(op, "name", {self.random.choice(("givenName", "middleName")): self.text()})

    def values(self, op: str) -> Row:
        kinds = self.random.sample(("work", "home", "other"), self.random.randrange(1, 3))
        emails = [self.email(kind) for kind in kinds]
        return self.operation(op, "emails", emails[0] if self.random.random() < 0.1 else emails)

    def selection(self) -> str:
        kind = self.random.choice(("work", "home", "other"))
        tests = (
            f'type eq "{kind}"',
            f'value sw "{kind}"',
            "primary eq true",
            f'type eq "{kind}" and value co "1"',
            f'not (type eq "{kind}")',
        )
        return f"emails[{self.random.choice(tests)}]"

    def selected(self, op: str) -> Row:
        return self.operation(op, self.selection(), {"value": f"new{self.random.randrange(3)}@example.com"})

    def part_of_selected(self, op: str) -> Row:
        if self.random.random() < 0.3:
            return self.operation(op, f"{self.selection()}.primary", True)
        return self.operation(op, f"{self.selection()}.display", self.text())

    def without_path(self, op: str) -> Row:
        value = {
            **self.maybe({"title": self.text()}),
            **self.maybe({"emails": [self.email("home")]}),
            **self.maybe({self.random.choice(("name.givenName", DEPARTMENT)): self.text()}),
            **({"name": {"givenName": self.text()}} if self.random.random() < 0.2 else {}),
        }
        return {"op": "add" if op == "remove" else op, "value": value}

    def operation(self, op: str, path: str, value: Any) -> Row:
        return {"op": op, "path": path} | ({} if op == "remove" else {"value": value})

    def group(self, number: int, people: list[str]) -> Row:
        members = [{"value": one} for one in self.random.sample(people, self.random.randrange(len(people)))]
        return {"schemas": [CORE_GROUP], "displayName": f"group{number}", "members": members}

    def group_operation(self, people: list[str]) -> Row:
        some = self.random.sample(people, self.random.randrange(1, 4))
        values = [{"value": one} for one in some]
        removals = (
            f'members[value eq "{some[0]}"]',
            " or ".join(f'value eq "{one}"' for one in some).join(("members[", "]")),
            f'members[not (value eq "{some[0]}")]',
            "members",
        )
        return self.random.choice(
            (
                {"op": "add", "path": "members", "value": values},
                {"op": "replace", "path": "members", "value": values},
                {"op": "add", "value": {"members": values}},
                {"op": "remove", "path": self.random.choice(removals)},
                {"op": "remove", "path": self.random.choice(removals[:2])},
                {"op": "replace", "path": "externalId", "value": self.text()},
            )
        )


class Directory:
    """The sandbox, as any client sees it."""

    def __init__(self, sandbox: Sandbox, client: httpx.Client) -> None:
        self._url = sandbox.base_url
        self._client = client

    def create(self, endpoint: str, body: Row) -> Row:
        created: Row = self._client.post(f"{self._url}/{endpoint}", json=body).raise_for_status().json()
        return created

    def patch(self, endpoint: str, resource_id: str, operations: list[Row]) -> Row:
        body = {"schemas": [PATCH_URN], "Operations": operations}
        answer = self._client.patch(f"{self._url}/{endpoint}/{resource_id}", json=body)
        if answer.status_code >= 400:
            return {"error": answer.json().get("scimType") or answer.json()["detail"]}
        now: Row = self._client.get(f"{self._url}/{endpoint}/{resource_id}").raise_for_status().json()
        return {"resource": now}


def comparable(answer: Row) -> Any:
    """Return what counts of a resource: no metadata, nothing unassigned (RFC 7643 §2.5), no value twice, no order."""
    if "error" in answer:
        return "refused"
    kept = {name: value for name, value in answer["resource"].items() if name not in ("id", "meta", "schemas")}
    if "members" in kept:
        kept["members"] = [{"value": member["value"]} for member in kept["members"]]
    return settled(kept)


def settled(value: Any) -> Any:
    if isinstance(value, dict):
        inner = {name: settled(item) for name, item in value.items()}
        return {
            name: item for name, item in inner.items() if not unassigned(item) and (name, item) != ("primary", False)
        }
    if isinstance(value, list):
        return sorted({json.dumps(settled(item), sort_keys=True) for item in value})
    return value


def selects_nothing(path: str, resource: Row) -> bool:
    schema = SCHEMAS.group if path.startswith("members") else SCHEMAS.user
    return "[" in path and not Filter.parse(path.partition("]")[0] + "]").matches(resource, schema)


def has_primary(value: Any) -> bool:
    return '"primary": true' in json.dumps(value)


# What scim-patch 0.8.3 does differently, and the operations in which that can show: of path, operation and resource.
MISREAD: Mapping[str, Callable[[str, Row, Row], bool]] = {
    "it splits the URN of an extension at its last colon, so that the extension as a whole cannot be addressed": (
        lambda path, _operation, _resource: path == ENTERPRISE_USER
    ),
    "it compares names of attributes exactly, where RFC 7643 §2.1 folds them": (
        lambda path, _operation, _resource: path == "TITLE"
    ),
    "without a path it replaces a complex attribute as a whole; RFC 7644 §3.5.2.3 keeps what is not stated": (
        lambda path, operation, _resource: not path and "name" in operation["value"]
    ),
    "it makes an attribute with several values from one that is no list": (
        lambda path, operation, _resource: path == "emails" and isinstance(operation.get("value"), dict)
    ),
    "it leaves two primary values; a new one takes it from the other (RFC 7644 §3.5.2)": (
        lambda path, operation, resource: (
            path.endswith("].primary")
            or (operation["op"] == "add" and has_primary(resource.get("emails")) and has_primary(operation["value"]))
        )
    ),
    "it refuses to remove what is not there; RFC 7644 §3.5.2.2 names no such error": (
        lambda path, operation, resource: operation["op"] == "remove" and selects_nothing(path, resource)
    ),
    "it makes up a value from the filter of an add that selects nothing; here that has no target": (
        lambda path, operation, resource: operation["op"] == "add" and selects_nothing(path, resource)
    ),
    "it merges into the values that a filter selects, where RFC 7644 §3.5.2.3 has them replaced": (
        lambda path, operation, _resource: operation["op"] == "replace" and path.endswith("]")
    ),
}


def left_out(operations: list[Row], before: list[Row]) -> str | None:
    """Say why the oracle's answer does not count: the first operation that it reads differently.

    Args:
        operations: the operations.
        before: the oracle's answers to what comes before each of them.
    """
    for operation, answer in zip(operations, before, strict=True):
        path, resource = operation.get("path", ""), answer.get("resource", {})
        reason = next((reason for reason, shows in MISREAD.items() if shows(path, operation, resource)), None)
        if reason is not None:
            return reason
    return None


def cases(directory: Directory) -> Iterator[tuple[str, Row, list[Row]]]:
    corpus = Corpus()
    people = [directory.create("Users", {"schemas": [CORE_USER], "userName": f"p{n}"})["id"] for n in range(PEOPLE)]
    for number in range(USERS):
        operations = [corpus.user_operation() for _ in range(corpus.random.choice((1, 1, 1, 2, 3)))]
        yield "Users", directory.create("Users", corpus.user(number)), operations
    for number in range(GROUPS):
        operations = [corpus.group_operation(people) for _ in range(corpus.random.choice((1, 1, 2)))]
        yield "Groups", directory.create("Groups", corpus.group(number, people)), operations


@pytest.mark.slow
def test_a_patch_leaves_what_the_oracle_says() -> None:
    with leaving(Sandbox("generic")) as sandbox, client_of(sandbox) as client:
        directory = Directory(sandbox, client)
        corpus = list(cases(directory))
        # The oracle is asked about every beginning of a case, too: what an operation does depends on what is there.
        asked = [
            {"resource": resource, "operations": operations[:count]}
            for _, resource, operations in corpus
            for count in range(len(operations) + 1)
        ]
        answers = iter(judge(patches=asked).patched)
        compared, differing = 0, Counter[str]()
        for endpoint, resource, operations in corpus:
            so_far = [next(answers) for _ in range(len(operations) + 1)]
            ours = comparable(directory.patch(endpoint, resource["id"], operations))
            theirs = comparable(so_far[-1])
            reason = left_out(operations, so_far[:-1])
            if reason is None:
                compared += 1
                assert ours == theirs, f"{json.dumps(operations)}\non {json.dumps(resource)}"
            elif ours != theirs:
                differing[reason] += 1
    assert compared > (USERS + GROUPS) / 2, compared
    # Each reason is needed: without it some answers would differ.
    assert set(differing) == set(MISREAD), differing
