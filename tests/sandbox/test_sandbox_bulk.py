"""Many requests in one (RFC 7644 §3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.attributes import CORE_GROUP, CORE_USER
from reconciler.model import Kind
from reconciler.sandbox.behaviour import behaviour
from scim_api import PATCH, Api, add, refusal, serving

if TYPE_CHECKING:
    import httpx

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_names = count()


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with serving("generic") as api:
        yield api


@pytest.fixture
def name() -> str:
    return f"name{next(_names)}"


def post_user(name: str, bulk_id: str, **attributes: Any) -> dict[str, Any]:
    data = {"schemas": [CORE_USER], "userName": name, **attributes}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def post_group(name: str, bulk_id: str, *members: str) -> dict[str, Any]:
    data = {"schemas": [CORE_GROUP], "displayName": name, "members": [{"value": member} for member in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


def send(api: Api, *operations: Any, **body: Any) -> httpx.Response:
    return api.http.post("/Bulk", json={"schemas": [REQUEST], "Operations": list(operations), **body})


def results(api: Api, *operations: Any, **body: Any) -> list[dict[str, Any]]:
    answer = send(api, *operations, **body)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    told: list[dict[str, Any]] = document["Operations"]
    return told


def statuses(told: list[dict[str, Any]]) -> list[str]:
    return [result["status"] for result in told]


def id_of(result: dict[str, Any]) -> str:
    location: str = result["location"]
    return location.rpartition("/")[2]


def test_each_method_has_its_status_location_and_version(api: Api, name: str) -> None:
    ada, grace, alan = api.users(name, 3)
    team = api.group(name, ada)
    user = {"schemas": [CORE_USER], "userName": f"{name}x"}
    patch = {"schemas": [PATCH], "Operations": [add(grace)]}

    told = results(
        api,
        post_user(f"{name}new", "1"),
        {"method": "PUT", "path": f"/Users/{ada}", "data": user},
        {"method": "PATCH", "path": f"/Groups/{team}", "data": patch},
        {"method": "DELETE", "path": f"/Users/{alan}"},
    )

    base = api.sandbox.base_url
    new = api.found("/Users", f'userName eq "{name}new"')[0]
    assert told == [
        {"method": "POST", "bulkId": "1", "location": f"{base}/Users/{new}", "version": 'W/"1"', "status": "201"},
        {"method": "PUT", "location": f"{base}/Users/{ada}", "version": 'W/"2"', "status": "200"},
        {"method": "PATCH", "location": f"{base}/Groups/{team}", "version": 'W/"2"', "status": "204"},
        {"method": "DELETE", "location": f"{base}/Users/{alan}", "status": "204"},
    ]
    assert api.members(team) == [ada, grace]


def test_a_group_can_be_created_with_users_of_the_same_request(api: Api, name: str) -> None:
    told = results(api, post_user(name, "ada"), post_group(name, "team", "bulkId:ada"))

    assert statuses(told) == ["201", "201"]
    assert api.members(id_of(told[1])) == [id_of(told[0])]


def test_a_reference_may_come_before_what_it_refers_to(api: Api, name: str) -> None:
    told = results(
        api,
        post_group(f"{name}-outer", "outer", "bulkId:inner", "bulkId:ada"),
        post_group(f"{name}-inner", "inner", "bulkId:ada"),
        post_user(name, "ada"),
    )

    outer, inner, ada = map(id_of, told)
    assert (api.members(outer), api.members(inner)) == ([inner, ada], [ada])


def test_a_path_can_name_what_the_request_creates(api: Api, name: str) -> None:
    ada = api.user(f"{name}a")
    patch = {"schemas": [PATCH], "Operations": [add(ada, "bulkId:grace")]}

    told = results(
        api,
        {"method": "PATCH", "path": "/Groups/bulkId:team", "data": patch},
        post_group(name, "team"),
        post_user(f"{name}g", "grace"),
    )

    assert api.members(id_of(told[1])) == [ada, id_of(told[2])]
    assert told[0]["location"] == told[1]["location"]


def test_references_in_a_circle_are_409(api: Api, name: str) -> None:
    told = results(
        api,
        post_group(f"{name}a", "a", "bulkId:b"),
        post_group(f"{name}b", "b", "bulkId:a"),
        post_group(f"{name}c", "c", "bulkId:c"),
        post_user(name, "ada"),
    )

    assert statuses(told) == ["409", "409", "409", "201"]
    assert told[0]["response"]["detail"].startswith("the operation refers in a circle")


def test_a_reference_to_nothing_fails_alone(api: Api, name: str) -> None:
    told = results(api, post_group(name, "team", "bulkId:nobody"), post_user(name, "ada"))

    assert statuses(told) == ["400", "201"]
    assert told[0]["response"]["detail"] == "bulkId:nobody stands for nothing that this request created"


def test_what_refers_to_a_failure_fails(api: Api, name: str) -> None:
    api.user(name)

    told = results(api, post_user(name, "ada"), post_group(name, "team", "bulkId:ada"))

    assert statuses(told) == ["409", "400"]
    assert told[0]["response"] == api.post_user(name).json()
    assert api.found("/Groups", f'displayName eq "{name}"') == []


def test_without_fail_on_errors_all_are_tried(api: Api, name: str) -> None:
    gone = {"method": "DELETE", "path": "/Users/nobody"}

    assert statuses(results(api, gone, gone, post_user(name, "ada"))) == ["404", "404", "201"]


def test_fail_on_errors_ends_the_work_after_so_many(api: Api, name: str) -> None:
    gone = {"method": "DELETE", "path": "/Users/nobody"}

    told = results(api, post_user(name, "ada"), gone, gone, post_user(f"{name}x", "grace"), failOnErrors=2)

    assert statuses(told) == ["201", "404", "404"]
    assert api.found("/Users", f'userName eq "{name}x"') == []


def test_a_version_that_does_not_hold_is_412(api: Api, name: str) -> None:
    ada = api.user(name)

    told = results(api, {"method": "DELETE", "path": f"/Users/{ada}", "version": 'W/"7"'})

    assert statuses(told) == ["412"]
    assert told[0]["location"] == f"{api.sandbox.base_url}/Users/{ada}"


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (1, "400"),
        ({}, "400"),
        ({"method": "GET", "path": "/Users/1"}, "400"),
        ({"method": "POST", "path": "/Users", "data": {}}, "400"),
        ({"method": "POST", "path": "/Users", "bulkId": "1"}, "400"),
        ({"method": "POST", "path": "/Users/1", "bulkId": "1", "data": {}}, "404"),
        ({"method": "DELETE", "path": "/Users"}, "404"),
        ({"method": "DELETE", "path": "/Things/1"}, "404"),
        ({"method": "DELETE", "path": 1}, "400"),
        ({"method": "PATCH", "path": "/Users/1"}, "404"),
    ],
    ids=str,
)
def test_an_operation_that_is_none_fails_alone(api: Api, operation: Any, status: str, name: str) -> None:
    told = results(api, operation, post_user(name, "ada"))

    assert statuses(told) == [status, "201"]
    assert told[0]["response"]["status"] == status


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"schemas": []}, (400, "invalidSyntax")),
        ({"Operations": {}}, (400, "invalidSyntax")),
        ({"failOnErrors": "1"}, (400, "invalidSyntax")),
        ({"Operations": [{}] * 1001}, (413, None)),
    ],
    ids=["no schema", "no list", "no number", "too many"],
)
def test_a_request_that_is_none_is_refused_as_a_whole(
    api: Api, body: dict[str, Any], expected: tuple[int, str | None]
) -> None:
    assert refusal(send(api, **{"Operations": [], **body})) == expected


def test_a_body_beyond_the_limit_is_413(api: Api) -> None:
    assert send(api, post_user("x" * 1024 * 1024, "1")).status_code == 413


def test_an_empty_request_does_nothing(api: Api) -> None:
    assert results(api) == []


def test_a_body_that_nests_deep_is_refused_and_not_a_crash(api: Api, name: str) -> None:
    deep: Any = "bulkId:x"
    for _ in range(100):
        deep = [deep]

    assert statuses(results(api, post_user(name, "1", emails=deep))) == ["400"]


def test_a_thousand_users_and_their_group_are_one_request(api: Api, name: str) -> None:
    users = [post_user(f"{name}-{number}", f"u{number}") for number in range(999)]
    team = post_group(name, "team", *(f"bulkId:u{number}" for number in range(999)))

    told = results(api, team, *users)

    assert set(statuses(told)) == {"201"}
    assert len(api.members(id_of(told[0]))) == 999


def test_a_dialect_s_rules_hold_in_bulk() -> None:
    rules = replace(behaviour("atlassian"), bulk_operations=2, absent=frozenset({("DELETE", Kind.GROUP)}))
    with serving(rules) as api:
        team = api.group("team")
        patch = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "crew"}]}

        told = results(
            api,
            {"method": "PATCH", "path": f"/Groups/{team}", "data": patch},
            {"method": "DELETE", "path": f"/Groups/{team}"},
        )

        assert statuses(told) == ["400", "501"]
        assert send(api, {}, {}, {}).status_code == 413


def test_without_bulk_there_is_no_endpoint() -> None:
    with serving(replace(behaviour("generic"), bulk_operations=0)) as api:
        assert send(api).status_code == 404
        assert api.get("/ServiceProviderConfig")["bulk"] == {
            "supported": False,
            "maxOperations": 0,
            "maxPayloadSize": 0,
        }
