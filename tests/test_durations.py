"""Lengths of time as files and options write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired import json_schema
from reconciler.durations import DURATION_PATTERN, DurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", timedelta(seconds=1)),
        ("30s", timedelta(seconds=30)),
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(days=14)),
        ("99999w", timedelta(weeks=99999)),
    ],
)
def test_a_length_of_time_is_a_number_and_its_unit(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "d",
        "0d",
        "07d",
        "-7d",
        "1.5h",
        "7 d",
        "7D",
        "7days",
        "1d12h",
        "7d\n",
        " 7d",
        "100000s",
        "P7D",
        "\N{ARABIC-INDIC DIGIT SEVEN}d",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DurationError) as refused:
        parse_duration(text)
    assert refused.value.text == text
    assert "such as 30s, 90m, 12h, 7d or 2w" in str(refused.value)


def test_a_number_alone_is_asked_for_its_unit() -> None:
    with pytest.raises(DurationError, match="write 7d for days"):
        parse_duration("7")


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=1), "1s"),
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=90), "90m"),
        (timedelta(hours=36), "36h"),
        (timedelta(days=14), "14d"),
        (timedelta(days=1, seconds=1), "86401s"),
        (timedelta(days=7, microseconds=5), "7d"),
        (timedelta(microseconds=5), "0s"),
    ],
)
def test_it_is_written_in_the_largest_unit_that_needs_no_other(duration: timedelta, expected: str) -> None:
    assert format_duration(duration) == expected


@given(st.integers(1, 99_999), st.sampled_from("smhdw"))
def test_what_is_written_can_be_read_back(number: int, unit: str) -> None:
    duration = parse_duration(f"{number}{unit}")
    assert meaning(format_duration(duration)) == duration


def meaning(text: str) -> timedelta:
    """Return what a text of any number of digits means."""
    return int(text[:-1]) * parse_duration(f"1{text[-1]}")


@pytest.mark.parametrize("definition", ["duration", "shortDuration"])
def test_the_schema_of_directory_yaml_accepts_the_same_texts(definition: str) -> None:
    assert json_schema("directory")["$defs"][definition]["pattern"] == DURATION_PATTERN
