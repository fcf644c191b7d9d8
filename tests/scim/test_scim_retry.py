"""How long to wait before trying again: every form in which servers say it, and the limits of patience."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.scim.retry import RetryPolicy, asked_wait, outcome_unclear, refused_for_now

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "120"}, 120, id="Retry-After in seconds"),
        pytest.param({"retry-after": "1.5"}, 1.5, id="Retry-After with a fraction"),
        pytest.param({"retry-after": "Sun, 01 Mar 2026 12:00:30 GMT"}, 30, id="Retry-After as a date"),
        pytest.param({"retry-after": "Sunday, 01-Mar-26 12:00:30 GMT"}, 30, id="Retry-After as an obsolete date"),
        pytest.param({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0, id="Retry-After in the past"),
        pytest.param({"x-ratelimit-reset": "45"}, 45, id="reset in seconds from now"),
        pytest.param({"x-ratelimit-reset": str(EPOCH + 20)}, 20, id="reset in epoch seconds"),
        pytest.param({"x-ratelimit-reset": str((EPOCH + 20) * 1000)}, 20, id="reset in epoch milliseconds"),
        pytest.param({"x-ratelimit-reset": "2026-03-01T12:00:10Z"}, 10, id="reset in ISO-8601"),
        pytest.param({"x-ratelimit-reset": "2026-03-01T13:00:10+01:00"}, 10, id="reset with an offset"),
        pytest.param({"x-ratelimit-reset": "2026-03-01T12:00:10"}, 10, id="reset without a zone is UTC"),
        pytest.param({"x-ratelimit-reset": str(EPOCH - 20)}, 0, id="reset in the past"),
        pytest.param({"x-rate-limit-reset": "5"}, 5, id="another spelling"),
        pytest.param({"ratelimit-reset": "5"}, 5, id="the IETF draft's spelling"),
        pytest.param({"retry-after": "3", "x-ratelimit-reset": "45"}, 3, id="Retry-After comes first"),
        pytest.param({"retry-after": "soon", "x-ratelimit-reset": "45"}, 45, id="the next one where one is garbage"),
        pytest.param({"retry-after": "soon"}, None, id="garbage"),
        pytest.param({"retry-after": "-5"}, None, id="a negative wait"),
        pytest.param({"retry-after": "inf"}, None, id="an endless wait"),
        pytest.param({"retry-after": "nan"}, None, id="not a number"),
        pytest.param({"retry-after": ""}, None, id="an empty header"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_a_wait_is_understood_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, NOW) == seconds


@given(st.text())
def test_no_header_can_break_the_client(text: str) -> None:
    wait = asked_wait({"retry-after": text, "x-ratelimit-reset": text}, NOW)

    assert wait is None or wait >= 0


def test_the_wait_grows_with_every_failure_and_is_capped() -> None:
    policy = RetryPolicy(attempts=10, base_delay=1, max_delay=10, budget=1000, random=lambda: 1.0)

    assert [policy.wait(attempt, 0, None) for attempt in range(1, 7)] == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(("drawn", "wait"), [(0.0, 0.0), (0.5, 2.0), (0.75, 3.0)])
def test_the_wait_is_drawn_from_the_whole_range(drawn: float, wait: float) -> None:
    assert RetryPolicy(base_delay=1, random=lambda: drawn).wait(3, 0, None) == wait


def test_the_servers_wish_holds_with_jitter_on_top_up_to_the_cap() -> None:
    policy = RetryPolicy(base_delay=1, max_delay=60, random=lambda: 0.5)

    assert policy.wait(1, 0, 7) == 7.5
    assert policy.wait(1, 0, 3600) == 60


def test_patience_ends_with_the_attempts_or_the_budget() -> None:
    policy = RetryPolicy(attempts=3, max_delay=60, budget=100, random=lambda: 0.0)

    assert policy.wait(3, 0, None) is None
    assert policy.wait(1, 50, 50) == 50
    assert policy.wait(1, 51, 50) is None


@given(st.integers(1, 20), st.floats(0, 1000), st.none() | st.floats(0, 1e6), st.floats(0, 1))
def test_no_wait_goes_beyond_the_cap_or_the_budget(
    attempt: int, waited: float, asked: float | None, drawn: float
) -> None:
    policy = RetryPolicy(random=lambda: drawn)
    wait = policy.wait(attempt, waited, asked)

    assert wait is None or (0 <= wait <= policy.max_delay and waited + wait <= policy.budget)


@pytest.mark.parametrize("status", [429, 503])
def test_being_turned_away_leaves_nothing_unclear(status: int) -> None:
    assert refused_for_now(status)
    assert not outcome_unclear(status)


@pytest.mark.parametrize(("status", "unclear"), [(400, False), (408, True), (500, True), (501, False), (599, True)])
def test_which_answers_leave_the_outcome_open(status: int, *, unclear: bool) -> None:
    assert outcome_unclear(status) is unclear
