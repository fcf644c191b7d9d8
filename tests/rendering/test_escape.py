from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.rendering.escape import columns, label, quoted, safe, shorten


@pytest.mark.parametrize(
    "text", ["", "Ada Example", "josé@example.com", "Zoë", "山田太郎", "a:b", "urn:x::y", "# comment", "emoji 🎉"]
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("\x7f\x00", r"\x7f\x00"),
        ("a\u202eb\u2066", r"a\u202eb\u2066"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("no\xa0break", r"no\xa0break"),
        ("line\u2028para\u2029", r"line\u2028para\u2029"),
        ("hangul\u3164filler", r"hangul\u3164filler"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("lone\ud800", r"lone\ud800"),
        ("::error::x", r"\x3a:error::x"),
        ("  ::error::x", r"  \x3a:error::x"),
        ("say ##[group]x", r"say \x23#[group]x"),
        ("##VSO[task]x", r"\x23#VSO[task]x"),
        ("##teamcity[x]", r"\x23#teamcity[x]"),
    ],
)
def test_what_cannot_be_seen_or_would_be_obeyed_is_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown


@settings(deadline=None)
@given(st.text())
def test_a_safe_text_is_one_printable_line_that_commands_nothing(text: str) -> None:
    shown = safe(text)
    assert shown.isprintable()
    assert not shown.lstrip().startswith("::")
    assert "##[" not in shown


@settings(deadline=None)
@given(st.text(), st.text())
def test_different_texts_look_different_in_quotes(one: str, other: str) -> None:
    assert (quoted(one) == quoted(other)) == (one == other)


@pytest.mark.parametrize("name", ["ada@example.com", "team-platform", "Sales EMEA", "o'neil", "a+b", "R & D"])
def test_an_ordinary_name_stands_bare(name: str) -> None:
    assert label(name) == name


@pytest.mark.parametrize("name", ["", " x", "two  spaces", "x (listed, a.yaml:1)", "x → y", "\u3164"])
def test_a_name_that_could_be_read_as_layout_is_quoted(name: str) -> None:
    assert label(name) == quoted(name)


@settings(deadline=None)
@given(st.text(max_size=80), st.integers(min_value=3, max_value=40))
def test_a_shortened_text_keeps_both_ends_and_the_limit(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text or (short[0] == text[0] and short[-1] == text[-1] and "…" in short)


def test_wide_characters_take_two_columns() -> None:
    assert columns("界a\u0301") == 3
