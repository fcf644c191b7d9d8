"""Long lines on a narrow terminal."""

from __future__ import annotations

import re

import pytest

from reconciler.rendering.folding import fold_lines


@pytest.mark.parametrize("width", [None, 100])
def test_a_line_that_fits_stays_as_it_is(width: int | None) -> None:
    line = "  ~ \x1b[1mada@example.com\x1b[0m  (listed)"
    assert list(fold_lines([line, ""], width)) == [line, ""]


@pytest.mark.parametrize(
    ("line", "folded"),
    [
        (
            "  ~ grace.old@example.com  (renamed, found by externalId)  # OPS-1",
            ["  ~ grace.old@example.com  (renamed,", "      ↪ found by externalId)  # OPS-1"],
        ),
        ("x" * 70, ["x" * 40, "    ↪ " + "x" * 30]),
        (
            "  \x1b[2m" + "words " * 10 + "\x1b[0m",
            ["  \x1b[2mwords words words words words words\x1b[0m", "      ↪ \x1b[2mwords words words words\x1b[0m"],
        ),
        ("  " + "界" * 30, ["  " + "界" * 19, "      ↪ " + "界" * 11]),
    ],
)
def test_a_long_line_goes_on_behind_a_mark(line: str, folded: list[str]) -> None:
    assert [text.rstrip() for text in fold_lines([line], 40)] == [text.rstrip() for text in folded]


def test_runs_of_spaces_in_a_name_are_never_lost() -> None:
    """Two names that differ in nothing else would be shown alike."""
    name = '"' + "a" * 30 + "   " + "b" * 30 + '"'
    folded = list(fold_lines([f"  + {name}"], 40))
    assert len(folded) == 2
    assert any("a   b" in line for line in folded)


def test_nothing_is_folded_narrower_than_forty_columns() -> None:
    assert list(fold_lines(["x" * 40], 1)) == ["x" * 40]


def test_a_quote_that_is_not_closed_does_not_take_a_colour_for_text() -> None:
    """Half of a sequence would be shown, and the colour would never end."""
    for length in range(30, 44):
        folded = list(fold_lines([f'\x1b[2m(first seen on a"{"b" * length})\x1b[0m'], 40))
        assert all(re.sub(r"\x1b\[[0-9;]*m", "", line).isprintable() for line in folded)
        assert folded[-1].endswith("\x1b[0m")
