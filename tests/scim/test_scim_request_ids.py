"""What the server calls a request is in its answer and in its refusal, so that its operators find it."""

from __future__ import annotations

import asyncio

import pytest

from loopback import Reply, Respond, error, in_turn, serving
from reconciler.scim.client import ScimClient, ScimResponse
from reconciler.scim.errors import OutcomeUnknown, RequestRefused, ScimError
from reconciler.scim.retry import RetryPolicy

TOKEN = "a-token-for-tests"


def write(respond: Respond) -> ScimResponse:
    async def send() -> ScimResponse:
        with serving(respond) as server:
            async with ScimClient(server.url, TOKEN, retry=RetryPolicy(attempts=1)) as client:
                return await client.patch("/Users/1", {})

    return asyncio.run(send())


def refused(reply: Reply) -> ScimError:
    with pytest.raises(ScimError) as caught:
        write(in_turn(reply))
    return caught.value


@pytest.mark.parametrize(
    "header",
    ["X-Request-Id", "Request-Id", "X-Amzn-RequestId", "atl-traceid", "X-Okta-Request-Id", "x-ms-request-id"],
)
def test_an_answer_tells_what_the_server_calls_the_request(header: str) -> None:
    assert write(in_turn(Reply(200, {"id": "1"}, {header: "r-1"}))).request_id == "r-1"


def test_a_servers_own_name_comes_before_that_of_a_proxy() -> None:
    headers = {"X-Request-Id": "of the proxy", "atl-traceid": "of the server"}
    assert write(in_turn(Reply(204, None, headers))).request_id == "of the server"


def test_an_answer_without_a_name_has_none() -> None:
    assert write(in_turn(Reply(204))).request_id is None


def test_a_refusal_tells_it_too() -> None:
    refusal = refused(error(400, "no", X_Request_Id="r-2"))
    assert isinstance(refusal, RequestRefused)
    assert refusal.request_id == "r-2"


@pytest.mark.parametrize(
    "reply", [Reply(500, None, {"X-Request-Id": "r-3"}), Reply(200, b"<", {"X-Request-Id": "r-3"})]
)
def test_so_does_an_answer_that_leaves_open_what_happened(reply: Reply) -> None:
    unknown = refused(reply)
    assert isinstance(unknown, OutcomeUnknown)
    assert unknown.request_id == "r-3"


def test_a_lost_answer_has_no_name() -> None:
    assert refused(Reply(reset=True)).request_id is None


def test_a_name_that_repeats_the_token_does_not_hold_it() -> None:
    answer = write(in_turn(Reply(204, None, {"X-Request-Id": f"Bearer {TOKEN}"})))
    assert answer.request_id == "Bearer [token]"
