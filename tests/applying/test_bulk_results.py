"""What a bulk answer says of each operation, in every form that servers tell it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.applying.bulk import Result, bulk_request, operation, read_results
from reconciler.applying.requests import Request

BASE = "https://scim.example.com/v2"
CREATION = Request(method="POST", endpoint="Users", body={"userName": "ada@example.com"})
CHANGE = Request(method="PATCH", endpoint="Groups", resource_id="a b/c", body={"Operations": []}, if_match='W/"1"')
DELETION = Request(method="DELETE", endpoint="Users", resource_id="2819c223")
SENT = [operation(request, name) for request, name in ((CREATION, "new"), (CHANGE, "x"), (DELETION, "y"))]
TOLD: list[dict[str, Any]] = [
    {"method": "POST", "bulkId": "new", "location": f"{BASE}/Users/1", "version": 'W/"9"', "status": "201"},
    {"method": "PATCH", "location": f"{BASE}/Groups/a%20b%2Fc", "status": "200", "response": {"id": "a b/c"}},
    {"method": "DELETE", "location": f"{BASE}/Users/2819c223", "status": "404", "response": {"detail": "gone"}},
]
READ = [
    Result(status=201, location=f"{BASE}/Users/1", version='W/"9"'),
    Result(status=200, location=f"{BASE}/Groups/a%20b%2Fc", body={"id": "a b/c"}),
    Result(status=404, location=f"{BASE}/Users/2819c223", body={"detail": "gone"}),
]


def statuses(told: object, name: str = "Operations") -> list[int | None]:
    return [None if result is None else result.status for result in read_results({name: told}, SENT)]


def without(*names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in one.items() if name not in names} for one in TOLD]


def with_status(change: Callable[[str], object]) -> list[dict[str, Any]]:
    return [{**one, "status": change(one["status"])} for one in TOLD]


def test_an_operation_is_a_request_and_only_a_creation_has_a_name_of_its_own() -> None:
    assert bulk_request(SENT) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "new", "data": {"userName": "ada@example.com"}},
            {"method": "PATCH", "path": "/Groups/a%20b%2Fc", "version": 'W/"1"', "data": {"Operations": []}},
            {"method": "DELETE", "path": "/Users/2819c223"},
        ],
    }


def test_all_that_is_told_is_read() -> None:
    assert read_results({"Operations": TOLD}, SENT) == READ


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(TOLD[::-1], id="in another order"),
        pytest.param(with_status(int), id="a number"),
        pytest.param(with_status(lambda status: {"code": status}), id="an object, as in the drafts of RFC 7644"),
        pytest.param(with_status(lambda status: {"code": int(status), "description": ""}), id="an object of a number"),
        pytest.param([{name.upper(): value for name, value in one.items()} for one in TOLD], id="names in capitals"),
        pytest.param(without("method"), id="no methods"),
        pytest.param(without("bulkId"), id="no bulkId: by position"),
        pytest.param(without("location"), id="no locations: by position"),
        pytest.param(without("method", "location", "bulkId"), id="nothing but the position"),
        pytest.param([{**one, "method": one["method"].lower()} for one in TOLD], id="methods in small letters"),
    ],
)
def test_every_form_says_the_same(told: list[dict[str, Any]]) -> None:
    assert statuses(told) == [201, 200, 404]


@pytest.mark.parametrize(
    ("told", "known"),
    [
        pytest.param(TOLD[1:], [None, 200, 404], id="one is missing"),
        pytest.param(without("method", "location", "bulkId")[1:], [None, None, None], id="no position to go by"),
        pytest.param([TOLD[0], TOLD[0], TOLD[2]], [None, None, 404], id="one is told twice"),
        pytest.param([{**TOLD[0], "status": None}, *TOLD[1:]], [None, 200, 404], id="no status"),
        pytest.param([{**TOLD[0], "status": "done"}, *TOLD[1:]], [None, 200, 404], id="a status in words"),
        pytest.param([{**TOLD[0], "status": 2010}, *TOLD[1:]], [None, 200, 404], id="no HTTP status"),
        pytest.param([{**TOLD[0], "method": "PUT"}, *TOLD[1:]], [None, 200, 404], id="another method"),
        pytest.param(
            [TOLD[0], {**TOLD[1], "location": f"{BASE}/Groups/other"}], [201, None, None], id="another resource"
        ),
        pytest.param(["nonsense", None], [None, None, None], id="no objects"),
        pytest.param({"status": "200"}, [None, None, None], id="no list"),
    ],
)
def test_what_is_not_told_clearly_is_unknown(told: object, known: list[int | None]) -> None:
    assert statuses(told) == known


def test_an_answer_without_results_tells_nothing() -> None:
    assert read_results({}, SENT) == [None, None, None]
    assert statuses(TOLD, "operations") == [201, 200, 404]
