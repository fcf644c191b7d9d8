"""What the client sends, tries again and gives up on, against real HTTP."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading

import pytest

from asking import CALLS, OK, TOKEN, WRITES, ask
from loopback import Reply, Request, error, in_turn, serving
from reconciler.scim.client import ScimClient, resource_path
from reconciler.scim.errors import (
    Conflict,
    ConnectionFailed,
    MalformedAnswer,
    NotFound,
    OutcomeUnknown,
    RequestRefused,
    ScimError,
    ServerError,
    Unauthorized,
)
from reconciler.scim.retry import ThrottleEvent


def test_a_request_carries_the_token_and_says_what_it_is() -> None:
    with serving(in_turn(OK)) as server:
        ask(server.url, lambda client: client.post("/Users", {"userName": "ada"}))

    (sent,) = server.requests
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["accept"] == "application/scim+json, application/json"
    assert sent.headers["content-type"] == "application/scim+json"
    assert sent.headers["user-agent"].startswith("reconciler/")
    assert sent.json == {"userName": "ada"}


def test_an_answer_is_given_with_location_and_version() -> None:
    created = Reply(201, {"id": "1"}, {"Location": "https://example.com/Users/1", "ETag": 'W/"7"'})
    with serving(in_turn(created)) as server:
        answer = ask(server.url, WRITES["POST"])

    assert (answer.status, answer.body) == (201, {"id": "1"})
    assert (answer.location, answer.etag) == ("https://example.com/Users/1", 'W/"7"')


def test_a_write_without_a_body_in_its_answer_is_a_success() -> None:
    with serving(in_turn(Reply(204))) as server:
        assert ask(server.url, WRITES["DELETE"]).body is None


def test_a_precondition_is_sent_as_if_match() -> None:
    with serving(in_turn(OK)) as server:
        ask(server.url, lambda client: client.patch("/Users/1", {}, if_match='W/"7"'))

    assert server.requests[0].headers["if-match"] == 'W/"7"'


@pytest.mark.parametrize("resource_id", ["a/b", "a b", "ä?#%", "../Groups", "%2e%2e"])
def test_an_id_stays_one_segment_of_the_path(resource_id: str) -> None:
    with serving(in_turn(OK)) as server:
        ask(server.url, lambda client: client.get(resource_path("Users", resource_id)))

    assert server.requests[0].target == resource_path("Users", resource_id)
    assert server.requests[0].target.count("/") == 2


@pytest.mark.parametrize("resource_id", ["", ".", ".."])
def test_an_id_that_would_address_something_else_is_refused(resource_id: str) -> None:
    with pytest.raises(MalformedAnswer):
        resource_path("Users", resource_id)


def test_a_filter_reaches_the_server_as_it_was_written() -> None:
    text = 'userName eq "a+b&c=d \\"é\\""'
    with serving(in_turn(OK)) as server:
        ask(server.url, lambda client: client.get("/Users", {"filter": text, "count": 1}))

    assert server.requests[0].query == {"filter": text, "count": "1"}
    assert "+" not in server.requests[0].target


def test_statistics_count_every_request_and_byte() -> None:
    replies = in_turn(error(503, "later"), Reply(200, {"id": "1"}), Reply(204))

    async def use(client: ScimClient) -> ScimClient:
        await client.get("/Users/1")
        await client.delete("/Users/1")
        return client

    with serving(replies) as server:
        statistics = ask(server.url, use).statistics

    assert (statistics.requests, statistics.by_method) == (3, {"DELETE": 1, "GET": 2})
    assert statistics.bytes == len(error(503, "later").content) + len(OK.content)


def test_no_more_requests_than_allowed_are_in_flight() -> None:
    lock, in_flight, most = threading.Lock(), 0, 0
    together = threading.Barrier(3)

    def respond(_request: Request) -> Reply:
        nonlocal in_flight, most
        with lock:
            in_flight += 1
            most = max(most, in_flight)
        together.wait(timeout=30)
        with lock:
            in_flight -= 1
        together.wait(timeout=30)
        return OK

    async def use(client: ScimClient) -> None:
        await asyncio.gather(*(client.get("/Users/1") for _ in range(12)))

    with serving(respond) as server:
        ask(server.url, use, concurrency=3)

    assert (most, len(server.requests)) == (3, 12)


@pytest.mark.parametrize("status", [408, 500, 502, 504, 520])
def test_a_failing_server_is_asked_again_for_a_read(status: int) -> None:
    with serving(in_turn(error(status, "oops"), OK)) as server:
        assert ask(server.url, CALLS["GET"]).status == 200


def test_a_read_that_keeps_failing_ends_as_a_server_error() -> None:
    with serving(in_turn(error(500, "oops"))) as server, pytest.raises(ServerError, match="oops") as caught:
        ask(server.url, CALLS["GET"])

    assert (caught.value.status, len(server.requests)) == (500, 3)


def test_a_refusal_in_words_that_nest_without_end_is_still_a_refusal() -> None:
    refusal = Reply(400, b"[" * 100_000 + b"]" * 100_000)

    with serving(in_turn(refusal)) as server, pytest.raises(RequestRefused, match=r"refused \(400\)"):
        ask(server.url, CALLS["GET"])


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(error(500, "oops"), id="500"),
        pytest.param(error(502, "oops"), id="502"),
        pytest.param(error(504, "oops"), id="504"),
        pytest.param(Reply(reset=True), id="connection reset"),
        pytest.param(Reply(200, {"id": "1"}, missing_bytes=5), id="answer cut off"),
        pytest.param(Reply(200, b"<html>Please log in</html>"), id="HTML instead of an answer"),
    ],
)
def test_a_write_whose_answer_is_lost_is_sent_once_and_said_to_be_unknown(method: str, reply: Reply) -> None:
    with serving(in_turn(reply)) as server, pytest.raises(OutcomeUnknown, match="only reading") as caught:
        ask(server.url, WRITES[method])

    assert (caught.value.method, len(server.requests)) == (method, 1)


def test_a_write_that_times_out_is_unknown() -> None:
    release = threading.Event()

    def respond(_request: Request) -> Reply:
        release.wait(timeout=30)
        return OK

    with serving(respond) as server:
        with pytest.raises(OutcomeUnknown, match="timed out"):
            ask(server.url, WRITES["POST"], timeout=0.2)
        release.set()


def test_a_read_survives_a_reset_connection_and_a_cut_answer() -> None:
    with serving(in_turn(Reply(reset=True), Reply(200, {"id": "1"}, missing_bytes=5), OK)) as server:
        assert ask(server.url, CALLS["GET"]).body == {"id": "1"}


def test_a_read_whose_connection_always_breaks_ends_as_connection_failed() -> None:
    with serving(in_turn(Reply(reset=True))) as server, pytest.raises(ConnectionFailed, match="broke"):
        ask(server.url, CALLS["GET"])

    assert len(server.requests) == 3


@pytest.mark.parametrize("method", CALLS)
def test_a_server_that_is_not_there_is_tried_again_and_named_as_such(method: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    events: list[ThrottleEvent] = []

    with pytest.raises(ConnectionFailed, match="cannot connect"):
        ask(f"http://127.0.0.1:{port}", CALLS[method], on_throttle=events.append)

    assert [event.status for event in events] == [None, None]


def test_tls_where_none_is_spoken_is_not_tried_again_and_the_port_is_doubted() -> None:
    events: list[ThrottleEvent] = []
    with serving(in_turn(OK)) as server, pytest.raises(ConnectionFailed, match="likely a port for http"):
        ask(server.url.replace("http:", "https:"), CALLS["POST"], on_throttle=events.append)

    assert (events, server.requests) == ([], [])


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(400, "Bad filter", "invalidFilter"), RequestRefused),
        (error(401, "Unknown token"), Unauthorized),
        (error(403, "Not yours"), Unauthorized),
        (error(404, "No such user"), NotFound),
        (error(409, "userName exists", "uniqueness"), Conflict),
        (error(400, "userName exists", "uniqueness"), Conflict),
        (error(409, "exists"), Conflict),
        (error(412, "changed"), RequestRefused),
        (error(413, "too large"), RequestRefused),
        (error(501, "no PATCH"), RequestRefused),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_refusal_is_not_tried_again_and_keeps_the_facts(method: str, reply: Reply, kind: type[ScimError]) -> None:
    with serving(in_turn(reply)) as server, pytest.raises(kind) as caught:
        ask(server.url, CALLS[method])

    failure = caught.value
    assert type(failure) is kind
    assert (failure.method, failure.path, failure.status) == (method, "/Users/1", reply.status)
    assert (failure.scim_type, failure.detail) == (reply.body.get("scimType"), reply.body["detail"])
    assert str(failure).startswith(f"{method} /Users/1: ")
    assert reply.body["detail"] in str(failure)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "advice"), [(401, "has not expired"), (403, "names its own directory")])
def test_a_refused_token_says_what_to_check(status: int, advice: str) -> None:
    with serving(in_turn(Reply(status))) as server, pytest.raises(Unauthorized, match=advice):
        ask(server.url, CALLS["GET"])


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(Reply(200, b'{"id": "1", '), "not JSON", id="truncated JSON"),
        pytest.param(Reply(200, b"\xff\xfe"), "not JSON", id="binary"),
        pytest.param(Reply(200, b"  <!DOCTYPE html>"), "an HTML page", id="HTML page"),
        pytest.param(
            Reply(200, b"<p>Hi", {"Content-Type": "application/scim+json"}), "an HTML page", id="HTML as JSON"
        ),
        pytest.param(Reply(200, b""), "empty", id="nothing"),
        pytest.param(Reply(204), "empty", id="no content"),
        pytest.param(Reply(200, b'"text"'), "no JSON object", id="JSON text"),
        pytest.param(Reply(200, b"[" * 100_000 + b"]" * 100_000), "nests too deep", id="JSON without end"),
    ],
)
def test_a_read_answered_twice_with_something_else_is_malformed(reply: Reply, words: str) -> None:
    with serving(in_turn(reply)) as server, pytest.raises(MalformedAnswer, match=words):
        ask(server.url, CALLS["GET"])

    assert len(server.requests) == 2


def test_a_read_is_asked_again_where_a_gateway_answers_for_a_moment() -> None:
    with serving(in_turn(Reply(200, b"<html>Just a moment</html>"), Reply(body={"id": "1"}))) as server:
        assert ask(server.url, CALLS["GET"]).body == {"id": "1"}


def test_an_answer_may_be_compressed() -> None:
    packed = Reply(200, gzip.compress(b'{"id": "1"}'), {"Content-Encoding": "gzip"})
    with serving(in_turn(packed)) as server:
        assert ask(server.url, CALLS["GET"]).body == {"id": "1"}


@pytest.mark.parametrize("kind", ["text/html", "text/plain; charset=latin-1", "application/octet-stream", ""])
def test_json_is_taken_whatever_it_is_called(kind: str) -> None:
    with serving(in_turn(Reply(200, b'{"id": "1"}', {"Content-Type": kind}))) as server:
        assert ask(server.url, CALLS["GET"]).body == {"id": "1"}


def test_broken_compression_is_malformed() -> None:
    broken = Reply(200, b"no gzip at all", {"Content-Encoding": "gzip"})
    with serving(in_turn(broken)) as server, pytest.raises(MalformedAnswer, match="compression"):
        ask(server.url, CALLS["GET"])


@pytest.mark.parametrize(("method", "kind"), [("GET", MalformedAnswer), ("PATCH", OutcomeUnknown)])
def test_an_answer_is_not_read_beyond_the_limit_however_well_it_is_compressed(
    method: str, kind: type[ScimError]
) -> None:
    bomb = Reply(200, gzip.compress(b" " * 1_000_000), {"Content-Encoding": "gzip"})
    with serving(in_turn(bomb)) as server, pytest.raises(kind, match="larger than 100000 bytes"):
        ask(server.url, CALLS[method], max_body=100_000)


@pytest.mark.parametrize("status", [400, 401, 404, 409, 429, 500])
@pytest.mark.parametrize("method", CALLS)
def test_the_token_is_in_no_error_even_where_the_server_sends_it_back(method: str, status: int) -> None:
    with serving(in_turn(error(status, f"Bearer {TOKEN} is bad", TOKEN))) as server, pytest.raises(ScimError) as caught:
        ask(server.url, CALLS[method])

    shown = repr(caught.value) + str(caught.value) + repr(vars(caught.value))
    assert TOKEN not in shown
    assert "[token]" in str(caught.value)


def test_the_token_is_not_in_the_representation_of_a_client() -> None:
    assert TOKEN not in repr(ScimClient("http://127.0.0.1:1", TOKEN))


def test_what_a_server_writes_cannot_control_the_terminal_or_fill_it() -> None:
    hostile = "\x1b[2Jgone\r\n::error::x\u202e" + "long " * 10_000
    with serving(in_turn(error(400, hostile))) as server, pytest.raises(RequestRefused) as caught:
        ask(server.url, CALLS["GET"])

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
