"""Where the client lets itself be sent, and where the token never goes."""

from __future__ import annotations

import pytest

from asking import CALLS, OK, WRITES, ask
from loopback import Reply, in_turn, serving
from reconciler.scim.errors import RedirectRefused


def test_a_redirect_inside_the_origin_is_followed_for_a_read() -> None:
    with serving(in_turn(Reply(307, headers={"Location": "/scim/Users/1"}), OK)) as server:
        assert ask(server.url, CALLS["GET"]).body == {"id": "1"}

    assert [request.path for request in server.requests] == ["/Users/1", "/scim/Users/1"]


@pytest.mark.parametrize("method", CALLS)
def test_the_token_is_not_sent_to_another_origin(method: str) -> None:
    with serving(in_turn(OK)) as elsewhere:
        redirect = Reply(302, headers={"Location": f"{elsewhere.url}/Users/1"})
        with serving(in_turn(redirect)) as server, pytest.raises(RedirectRefused, match="another origin") as caught:
            ask(server.url, CALLS[method])

    assert elsewhere.requests == []
    assert (caught.value.status, len(server.requests)) == (302, 1)


@pytest.mark.parametrize("method", WRITES)
def test_a_redirected_write_is_not_followed(method: str) -> None:
    with serving(in_turn(Reply(308, headers={"Location": "/elsewhere"}))) as server, pytest.raises(RedirectRefused):
        ask(server.url, WRITES[method])

    assert len(server.requests) == 1


def test_redirects_end() -> None:
    again = Reply(302, headers={"Location": "/again"})
    with serving(in_turn(again)) as server, pytest.raises(RedirectRefused, match="more than 3 times"):
        ask(server.url, CALLS["GET"])

    assert len(server.requests) == 4


def test_a_redirect_to_nowhere_is_refused() -> None:
    with serving(in_turn(Reply(302))) as server, pytest.raises(RedirectRefused, match="without a usable Location"):
        ask(server.url, CALLS["GET"])
