"""Capital verbs are tried where a refusal is about the verb, and remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from reconciler.applying.requests import Request
from reconciler.applying.verbs import Verbs
from reconciler.scim.client import ScimResponse
from reconciler.scim.errors import RequestRefused

DONE = ScimResponse(status=204, body=None)


def patch(op: str = "replace", value: str = "Engineer") -> Request:
    operations = [{"op": op, "path": "title", "value": value}]
    return Request(method="PATCH", endpoint="Users", resource_id="1", body={"Operations": operations})


def sent_to(server: Sequence[str], requests: Sequence[Request]) -> tuple[list[str], list[str]]:
    """What a server that knows some verbs, and no value "bad", is sent, and what comes of each request."""
    sent: list[str] = []
    ended: list[str] = []
    verbs = Verbs()

    async def send(request: Request) -> ScimResponse:
        operation = (request.body or {})["Operations"][0]
        sent.append(operation["op"])
        if operation["op"] not in server:
            raise RequestRefused("refused", status=400, detail=f"unknown op {operation['op']}")
        if operation["value"] == "bad":
            raise RequestRefused("refused", status=400, detail="bad title")
        return DONE

    async def run() -> None:
        for request in requests:
            try:
                await verbs.send(request, send)
            except RequestRefused as refusal:
                ended.append(refusal.detail or "")
            else:
                ended.append("done")

    asyncio.run(run())
    return sent, ended


def test_the_standard_form_is_sent_first_and_kept_where_it_works() -> None:
    assert sent_to(["replace"], [patch(), patch()]) == (["replace", "replace"], ["done", "done"])


def test_capitals_are_tried_once_and_kept_where_only_they_work() -> None:
    assert sent_to(["Replace"], [patch(), patch()]) == (["replace", "Replace", "Replace"], ["done", "done"])


def test_where_the_standard_form_has_worked_a_refusal_is_about_something_else() -> None:
    assert sent_to(["replace"], [patch(), patch("remove")]) == (["replace", "remove"], ["done", "unknown op remove"])


def test_another_objection_to_capitals_is_the_one_that_counts() -> None:
    assert sent_to(["Replace"], [patch(value="bad"), patch()]) == (
        ["replace", "Replace", "Replace"],
        ["bad title", "done"],
    )


@pytest.mark.parametrize("times", [3, 6])
def test_a_server_that_takes_no_verb_is_asked_a_few_times_only(times: int) -> None:
    sent, ended = sent_to([], [patch()] * times)
    assert ended == ["unknown op replace"] * times
    assert sent.count("Replace") == 3


def test_what_is_no_patch_goes_as_it_is() -> None:
    put = Request(method="PUT", endpoint="Users", resource_id="1", body={"Operations": [{"op": "x", "value": ""}]})
    assert sent_to([], [put]) == (["x"], ["unknown op x"])
