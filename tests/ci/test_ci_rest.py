"""How a code host is asked: when it is asked again, how long is waited, and what is said of a refusal."""

from __future__ import annotations

import time

import pytest

from code_host import When, soon
from code_hosts import At, Desk
from loopback import Reply, in_turn, serving
from reconciler.ci import github
from reconciler.ci.errors import HostError, HostRefusedError, HostUnavailableError, UnreadableAnswerError
from reconciler.ci.rest import RestApi
from reconciler.ci.reviews import keep_comment
from reconciler.ci.surroundings import Given
from reconciler.scim.retry import RetryPolicy

MARKER = "<!-- m -->"


def keep(desk: Desk, given: Given | None = None) -> str:
    with desk.thread(given) as thread:
        return keep_comment(thread, f"{MARKER}\nplan", MARKER).outcome


def refused(desk: Desk, given: Given | None = None) -> HostError:
    with pytest.raises(HostError) as caught:
        keep(desk, given)
    assert desk.fake.token not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("host", "reply", "waits"),
    [
        ("gitlab", Reply(429, {"message": "Retry later"}, {"Retry-After": "7"}), 7),
        ("gitlab", Reply(429, {"message": "Retry later"}, {"RateLimit-Reset": str(int(time.time()))}), 0),
        ("github", Reply(403, {"message": "API rate limit exceeded"}, soon()), 0),
        ("github", Reply(403, {"message": "You have exceeded a secondary rate limit"}), 60),
        ("github", Reply(403, {"message": "Forbidden"}, {"retry-after": "3"}), 3),
        ("github", Reply(503, {"message": "Later"}, {"Retry-After": "9"}), 9),
        ("github", Reply(500, {"message": "Server Error"}), 0),
        ("github", Reply(reset=True), 0),
    ],
    ids=["429", "gitlab's limit", "github's limit", "secondary", "403 retry-after", "503", "500", "reset"],
)
def test_what_passes_is_waited_for_as_long_as_the_host_asks(at: At, host: str, reply: Reply, waits: float) -> None:
    desk = at(host)
    desk.fake.faults.append(When("GET", reply))
    assert keep(desk) == "created"
    assert desk.slept == [pytest.approx(waits, abs=1.5)]


def test_a_post_that_was_turned_away_is_sent_again(desk: Desk) -> None:
    desk.wrote("nothing of ours")
    when = When("POST", Reply(429, {"message": "Retry later"}, {"Retry-After": "2"}))
    desk.fake.faults += [when, when]
    assert keep(desk) == "created"
    assert desk.slept == [2.0, 2.0]


def test_the_end_of_the_hour_s_window_in_every_answer_is_no_wait(at: At) -> None:
    # GitHub says so in each; of a failing server it says nothing.
    desk = at("github")
    desk.fake.faults.append(When("GET", Reply(502, {"message": "Bad Gateway"})))
    assert keep(desk) == "created"
    assert desk.slept == [0.0]


def test_a_wait_that_is_too_long_ends_at_once_and_says_how_long(at: At) -> None:
    desk = at("github")
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 3000)}
    desk.fake.faults.append(When("GET", Reply(403, {"message": "API rate limit exceeded"}, headers)))
    error = refused(desk)
    assert isinstance(error, HostUnavailableError)
    assert "let in again in 2,99" in str(error) or "let in again in 3,000" in str(error)
    assert desk.slept == []


def test_a_host_that_stays_down_is_given_up(desk: Desk) -> None:
    desk.fake.faults += [When("GET", Reply(503, {"message": "down"}))] * 9
    error = refused(desk)
    assert isinstance(error, HostUnavailableError)
    assert len(desk.slept) == 3


@pytest.mark.parametrize("path", ["/closed", "/api/v3"])
def test_nobody_at_the_address_is_said_plainly(at: At, path: str) -> None:
    desk = at("github")
    with serving(in_turn(Reply())) as gone:
        url = gone.url
    error = refused(desk, Given(api_url=f"{url}{path}"))
    assert "no answer" in str(error)
    assert "Check the URL of the API and the network" in str(error)


def test_a_connection_that_cannot_be_trusted_is_not_tried_again(at: At) -> None:
    """What answers speaks no TLS, or has a certificate of an authority that nobody has named."""
    desk = at("github")
    error = refused(desk, Given(api_url=desk.fake.api_url.replace("http://", "https://")))
    assert "SSL_CERT_FILE" in str(error)
    assert (desk.slept, desk.fake.requests) == ([], [])


@pytest.mark.parametrize(
    ("host", "fields", "status", "advice"),
    [
        ("github", {"rights": set()}, 403, "permissions: {pull-requests: write}"),
        ("github", {"sees": False}, 404, "or the token may not see it"),
        ("gitlab", {"may_write": False}, 403, "the scope `api`"),
    ],
)
def test_a_refusal_says_what_to_do(at: At, host: str, fields: dict[str, object], status: int, advice: str) -> None:
    desk = at(host, **fields)
    error = refused(desk)
    assert isinstance(error, HostRefusedError)
    assert (error.status, desk.slept) == (status, [])
    assert advice in str(error)


@pytest.mark.parametrize(("host", "advice"), [("github", "has not expired"), ("gitlab", "project access token")])
def test_a_token_that_is_not_accepted_is_said_once(at: At, host: str, advice: str) -> None:
    desk = at(host)
    desk.token = "another-token"
    error = refused(desk)
    assert (error.status, advice in str(error), "another-token" in str(error)) == (401, True, False)
    assert len(desk.fake.requests) == 1


def test_a_merge_request_that_is_not_there_is_said(at: At) -> None:
    error = refused(at("gitlab"), Given(number=8))
    assert error.status == 404
    assert "merge_requests/8/notes" in str(error)


def test_a_body_that_is_too_long_is_refused_in_the_host_s_words(desk: Desk) -> None:
    with pytest.raises(HostRefusedError, match=r"too long \(maximum is"), desk.thread() as thread:
        keep_comment(thread, MARKER + "x" * 1_000_001, MARKER)


@pytest.mark.parametrize(
    "message",
    ["token ghs_0123456789abcdef is bad", "\x1b[2J\r\n::error::owned", "x" * 10_000],
    ids=["t", "esc", "long"],
)
def test_the_host_s_words_are_quoted_and_never_obeyed(at: At, message: str) -> None:
    desk = at("github")
    desk.fake.faults.append(When("GET", Reply(422, {"message": message})))
    text = str(refused(desk))
    assert text.isprintable()
    assert len(text) < 700


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"[1]", b'{"message": "x"}', b"[" * 100_000])
def test_an_answer_that_is_no_list_is_said(at: At, body: bytes) -> None:
    desk = at("github")
    desk.fake.faults.append(When("GET", Reply(200, body)))
    assert isinstance(refused(desk), UnreadableAnswerError)


@pytest.mark.parametrize("url", ["https://api.github.com/x?page=2", "https://api.github.com/x", "https://[::1/x?a=b"])
def test_pages_that_come_to_no_end_are_an_error(at: At, url: str) -> None:
    desk = at("github")
    again = Reply(200, [], {"Link": f'<{url}>; rel="next"'})
    desk.fake.faults += [When("GET", again)] * 5
    assert "come to no end" in str(refused(desk))


def test_a_repository_that_was_renamed_is_said_and_not_followed(at: At) -> None:
    desk = at("github")
    moved = Reply(301, {"message": "Moved Permanently"}, {"Location": "https://evil.example/repositories/1"})
    desk.fake.faults.append(When("GET", moved))
    assert "check the name of the repository" in str(refused(desk))


def test_the_token_goes_nowhere_but_to_the_api(at: At) -> None:
    # The next page is named by an address of another machine: only its query is taken.
    desk = at("github")
    for number in range(120):
        desk.stranger_wrote(str(number))
    assert keep(desk) == "created"
    assert [request.query.get("page") for request in desk.fake.requests if request.method == "GET"][:2] == [None, "2"]


def test_what_is_waited_for_is_told() -> None:
    told: list[tuple[str, int | None, float]] = []
    with (
        serving(in_turn(Reply(500), Reply(200, [{"a": 1}]))) as host,
        RestApi(
            "GitHub",
            host.url,
            headers={},
            secret="",
            advice=github.advice,
            patience=RetryPolicy(base_delay=0.0),
            sleep=lambda _: None,
            on_wait=lambda wait: told.append((wait.host, wait.status, wait.seconds)),
        ) as api,
    ):
        assert list(api.pages("/x", {})) == [{"a": 1}]
    assert told == [("GitHub", 500, 0.0)]
