from datetime import UTC, date, datetime

import pytest

from reconciler.desired.moments import MomentError, parse_date, parse_end, parse_start


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-12-31", datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("2028-02-29", datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        ("9999-12-31", datetime(9999, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_date_is_a_whole_day_in_utc(text: str, start: datetime, end: datetime) -> None:
    assert parse_start(text) == start
    assert parse_end(text) == end


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-31T18:00:00Z", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        ("2026-12-31T18:00:00", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        ("2026-12-31t18:00z", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        ("2026-12-31 18:00:00+02:00", datetime(2026, 12, 31, 16, tzinfo=UTC)),
        ("2026-12-31T18:00:00.5-05:30", datetime(2026, 12, 31, 23, 30, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_time_is_one_moment_and_utc_unless_stated(text: str, moment: datetime) -> None:
    assert parse_start(text) == parse_end(text) == moment


NO_FORM = ["", "tomorrow", "20261231", "2026-W01-1", "2026-12-31T", " 2026-12-31", "31.12.2026"]
NO_SUCH_DAY = ["2026-02-30", "2026-13-01", "0000-01-01"]
NO_SUCH_TIME = [
    "2026-12-31T24:00:00Z",
    "2026-12-31T18:00:60Z",
    "2026-12-31T18:00:00+25:00",
    "0001-01-01T00:00:00+01:00",
]


@pytest.mark.parametrize("text", [*NO_FORM, *NO_SUCH_DAY, *NO_SUCH_TIME])
def test_what_is_no_moment_is_refused(text: str) -> None:
    for parse in (parse_start, parse_end, parse_date):
        with pytest.raises(MomentError) as refused:
            parse(text)
        assert refused.value.text == text


def test_a_date_is_read() -> None:
    assert parse_date("2027-03-01") == date(2027, 3, 1)
