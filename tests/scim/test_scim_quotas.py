"""What servers announce of the requests that are left, in every form, and what is made of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.capabilities import Rate
from reconciler.scim.quotas import Announced, Bucket, Quota, read_announced

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


def announced(limit: str, remaining: int, reset: float) -> Announced:
    return Announced(limit=limit, remaining=remaining, reset=reset)


@pytest.mark.parametrize("prefix", ["x-ratelimit-", "x-rate-limit-", "ratelimit-"])
@pytest.mark.parametrize("reset", ["30", str(EPOCH + 30), str((EPOCH + 30) * 1000), "2026-03-01T12:00:30Z"])
def test_three_headers_are_understood_in_every_spelling(prefix: str, reset: str) -> None:
    headers = {f"{prefix}limit": "100", f"{prefix}remaining": "70", f"{prefix}reset": reset}

    assert read_announced(headers, NOW) == announced("100", 70, 30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("limit=100, remaining=50, reset=30", announced("100", 50, 30), id="an early draft"),
        pytest.param('"default";r=50;t=30', announced('"default"', 50, 30), id="a later draft"),
        pytest.param('"minute";r=9;t=7, "day";r=900;t=4000', announced('"minute"', 9, 7), id="two policies"),
        pytest.param('"default";r=50', None, id="without a reset"),
        pytest.param("a lot", None, id="garbage"),
    ],
)
def test_one_header_is_understood_as_the_drafts_of_the_ietf_have_it(text: str, expected: Announced | None) -> None:
    assert read_announced({"ratelimit": text}, NOW) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-remaining": "70"},
        {"x-ratelimit-remaining": "many", "x-ratelimit-reset": "30"},
        {"x-ratelimit-remaining": "-1", "x-ratelimit-reset": "30"},
        {"x-ratelimit-remaining": "inf", "x-ratelimit-reset": "30"},
        {"x-ratelimit-remaining": "70", "x-ratelimit-reset": "soon"},
    ],
)
def test_what_is_not_whole_or_makes_no_sense_is_not_heard(headers: dict[str, str]) -> None:
    assert read_announced(headers, NOW) is None


@given(st.text(), st.text())
def test_no_header_can_break_the_client(one: str, other: str) -> None:
    read_announced({"x-ratelimit-remaining": one, "x-ratelimit-reset": other}, NOW)
    read_announced({"ratelimit": one}, NOW)


def test_what_remains_is_spread_over_the_time_until_there_is_more() -> None:
    quota = Quota(60)
    quota.announce(0.0, announced("100", 10, 20), in_flight=0)
    quota.sent(0.0)

    assert quota.wait(0.0) == pytest.approx(2, rel=0.05)


def test_requests_in_flight_are_not_counted_twice() -> None:
    quota = Quota(60)
    quota.announce(0.0, announced("100", 3, 20), in_flight=3)

    assert quota.wait(0.0) == 20
    assert quota.wait(21.0) == 0


def test_nobody_waits_for_a_reset_that_is_hours_away() -> None:
    quota = Quota(60)
    quota.announce(0.0, announced("5000", 0, 7200), in_flight=0)

    assert quota.wait(0.0) == 60


def test_whole_seconds_say_nothing_of_a_window_of_a_second() -> None:
    quota = Quota(60)
    quota.announce(0.0, announced("50", 1, 1), in_flight=4)

    assert quota.wait(0.0) == 0
    assert not quota.long


def test_a_declared_burst_goes_at_once_and_then_the_rate_holds() -> None:
    bucket = Bucket(Rate(requests=600, seconds=60, burst=3))
    for _ in range(3):
        assert bucket.wait(0.0) == 0
        bucket.sent(0.0)

    assert bucket.wait(0.0) == pytest.approx(0.1, rel=0.02)
    assert bucket.wait(1.0) == 0


@pytest.mark.parametrize(
    ("methods", "endpoints", "covered"),
    [
        ((), (), True),
        (("POST", "PATCH"), (), True),
        (("GET",), (), False),
        ((), ("Users",), True),
        ((), ("Groups",), False),
        (("POST",), ("Groups",), False),
    ],
)
def test_a_declared_rate_says_which_requests_share_it(
    methods: tuple[str, ...], endpoints: tuple[str, ...], *, covered: bool
) -> None:
    bucket = Bucket(Rate(requests=1, seconds=1, methods=methods, endpoints=endpoints))

    assert bucket.covers("POST", "Users") is covered
