"""The check of recorded requests against a dialect's rules finds what breaks them: one request for each rule."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dialect_rules import RULES, violations
from reconciler.capabilities import Capabilities, MemberAdd, MemberRemove, Paging, Rate
from reconciler.sandbox.gate import RecordedRequest


def request(
    method: str, path: str, query: str = "", body: Any = None, *, status: int = 200, at: float = 0.0, **fields: Any
) -> RecordedRequest:
    content = b"" if body is None else json.dumps(body).encode()
    return RecordedRequest(
        method=method, path=f"/scim/v2{path}", query=query, body=content, status=status, at=at, **fields
    )


def patch(*operations: dict[str, Any], status: int = 200, **fields: Any) -> RecordedRequest:
    return request("PATCH", "/Groups/g", body={"Operations": operations}, status=status, **fields)


def values(*ids: str) -> list[dict[str, str]]:
    return [{"value": one} for one in ids]


ADD = {"op": "add", "path": "members", "value": values("a")}
NESTED = {"op": "add", "path": "members", "value": {"members": values("a")}}
REMOVE = {"op": "remove", "path": 'members[value eq "a"]'}
REPLACE = {"op": "replace", "path": "displayName", "value": "x"}
LISTING = request("GET", "/Users", "startIndex=1&count=100")
DEFAULT = Capabilities()

BROKEN = [
    ("parameters", request("GET", "/Users", "startIndex=1&count=9&sortBy=userName"), {}),
    ("groups", request("GET", "/Groups", "startIndex=1&count=9"), {"groups": False}),
    ("verb", request("PUT", "/Users/u", body={}), {"put_users": False}),
    ("verb", request("PATCH", "/Users/u", body={"Operations": []}), {"patch_users": False}),
    ("verb", patch(REPLACE), {"patch_groups": False}),
    ("verb", request("PUT", "/Groups/g", body={}), {"put_groups": False, "member_add": MemberAdd.PUT}),
    ("members", patch({**ADD, "value": values("a", "b", "c")}), {"max_members_per_patch": 2}),
    ("members", patch(REMOVE, REMOVE, REMOVE), {"max_members_per_patch": 2}),
    ("members", request("POST", "/Groups", body={"members": values("a", "b")}), {"max_members_per_patch": 1}),
    ("operations", patch(REPLACE, REPLACE), {"max_operations_per_patch": 1}),
    ("bytes", request("POST", "/Users", body={"userName": "x" * 100}), {"max_body_bytes": 99}),
    ("bulk", request("POST", "/Bulk", body={"Operations": [{"method": "DELETE", "path": "/Users/u"}]}), {}),
    ("form", patch(NESTED), {}),
    ("form", patch(ADD), {"member_add": MemberAdd.NESTED_VALUE}),
    ("form", patch(REMOVE), {"member_remove": MemberRemove.VALUE_ARRAY}),
    ("form", request("PUT", "/Groups/g", body={"displayName": "x"}), {}),
    ("named", patch({"op": "remove", "path": "members"}), {}),
    ("named", patch({"op": "replace", "path": "members", "value": values("a")}), {}),
    ("named", patch({"op": "remove", "path": 'members[type eq "User"]'}), {}),
    ("filter", request("GET", "/Users", 'filter=title eq "userName"'), {"user_filters": ("userName",)}),
    ("filter", request("GET", "/Groups", 'filter=displayName sw "x"'), {"filter_operators": ("eq",)}),
    ("paging", request("GET", "/Users", "cursor=&count=9"), {}),
    ("paging", request("GET", "/Users", "startIndex=1&count=9"), {"paging": Paging.CURSOR}),
    ("paging", request("GET", "/Users", "startIndex=1&count=9"), {"paging": Paging.NONE}),
    ("paging", request("GET", "/Users"), {"paging": Paging.FILTER_ONLY}),
    ("paging", request("GET", "/Users", "startIndex=1&count=101"), {}),
    ("paging", request("GET", "/Groups", "startIndex=1&count=51"), {"group_page_size": 50}),
    ("paging", request("GET", "/Users/u", "count=1"), {}),
    ("page", request("GET", "/Users"), {}),
    ("versions", patch(ADD, if_match='W/"1"'), {}),
    ("excluded", request("GET", "/Groups", "startIndex=1&count=9&excludedAttributes=members"), {}),
]


@pytest.mark.parametrize(
    ("rule", "broken", "capabilities"), BROKEN, ids=[f"{rule}-{number}" for number, (rule, *_) in enumerate(BROKEN)]
)
def test_a_request_that_breaks_a_rule_is_named(
    rule: str, broken: RecordedRequest, capabilities: dict[str, Any]
) -> None:
    found = violations([LISTING if "paging" not in capabilities else broken, broken], replace(DEFAULT, **capabilities))
    assert found
    assert all(told.startswith(f"{rule}: {broken.method} {broken.path}") for told in found), found


def test_every_rule_has_a_request_that_breaks_it() -> None:
    assert {rule for rule, *_ in BROKEN} == RULES.keys()


def test_what_a_bulk_request_stands_for_is_held_to_the_rules_as_well() -> None:
    operation = {"method": "PATCH", "path": "/Groups/g", "version": '"1"', "data": {"Operations": [NESTED]}}
    sent = request("POST", "/Bulk", body={"Operations": [operation]})
    found = violations([sent], replace(DEFAULT, bulk_operations=1))
    assert [told.partition(":")[0] for told in found] == ["form", "versions"]


RATE = Rate(requests=10, seconds=1, burst=2, methods=("POST",), endpoints=("Users",))


def posts(every: float, number: int = 30) -> list[RecordedRequest]:
    return [request("POST", "/Users", body={}, at=5 + every * index) for index in range(number)]


def test_a_pace_is_kept_or_broken_by_the_time_between_requests() -> None:
    paced = replace(DEFAULT, rates=(RATE,))
    assert violations(posts(0.1), paced) == []
    assert [told.partition(":")[0] for told in violations(posts(0.05), paced)] == ["rates"]


def test_each_run_has_a_pace_of_its_own() -> None:
    paced = replace(DEFAULT, rates=(RATE,))
    begin = request("GET", "/ServiceProviderConfig")
    assert violations([begin, *posts(0.01, 9), begin, *posts(0.01, 9)], paced) == []
    assert violations([begin, *posts(0.01, 18)], paced)


@pytest.mark.parametrize("status", [200, 400, 501])
def test_a_form_that_was_given_up_for_another_may_not_be_sent_again(status: int) -> None:
    other = {**ADD, "value": values("b")}
    tried = [patch(ADD, status=status), patch(NESTED), patch(other)]
    assert [told.partition(":")[0] for told in violations(tried, DEFAULT, learns=True)] == ["disproven"]
    in_another_run = [*tried[:2], request("GET", "/ServiceProviderConfig"), tried[2]]
    assert violations([request("GET", "/ServiceProviderConfig"), *in_another_run], DEFAULT, learns=True) == []


def test_a_form_is_not_given_up_while_nothing_else_has_worked() -> None:
    assert violations([patch(ADD, status=400), patch(NESTED, status=400), patch(ADD)], DEFAULT, learns=True) == []
