"""Lines made to fit a terminal: folded at spaces, never cut, and marked where they go on.

What a directory holds may not look like a line of the layout. Every line that goes on another begins with a mark, and
of a text in quotes no run of spaces is lost, so that two names that differ are never shown alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.rendering.escape import columns

MARK: Final = "↪ "
"""What a line begins with, behind its indentation, that goes on the one before it."""

NARROWEST: Final = 40
"""Columns below which nothing is folded narrower: a terminal that has fewer breaks the lines by itself."""

_DEEPER = 4
_SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")
_PIECE = re.compile(r'"(?:[^"\\\x1b]|\\.)*"?|\x1b\[[0-9;]*m| +|# [^ "\x1b]+|[^ "\x1b]+')
_LONE_SPACE = re.compile(r"(?<! ) (?! )")
_RESET = "\x1b[0m"


def fold_lines(lines: Iterable[str], width: int | None) -> Iterator[str]:
    """Yield lines so that none is wider than a terminal; as they are where there is none.

    Args:
        lines: safe text, with ANSI sequences perhaps.
        width: columns.
    """
    if width is None:
        yield from lines
        return
    width = max(width, NARROWEST)
    for line in lines:
        if (len(line) <= width and line.isascii()) or columns(_SEQUENCE.sub("", line)) <= width:
            yield line
        else:
            yield from _Folding(line, width).lines()


class _Folding:
    """One line on its way through several; the colour that is on at a fold is on again behind it."""

    def __init__(self, line: str, width: int) -> None:
        self._line = line
        self._width = width
        indent = min(len(line) - len(line.lstrip(" ")) + _DEEPER, width // 2)
        self._lead = " " * indent + MARK
        self._done: list[str] = []
        self._current: list[str] = []
        self._column = 0
        self._colour = ""

    def lines(self) -> list[str]:
        space = sequence = ""
        for piece, breakable in _pieces(self._line):
            if piece == _RESET:
                self._current += (sequence, piece)
                sequence = self._colour = ""
            elif _SEQUENCE.fullmatch(piece):
                # It waits for the word that it colours, which may stand on the next line.
                sequence = piece
            elif breakable:
                space = piece
            else:
                self._place(piece, space, sequence)
                space = sequence = ""
        return [*self._done, "".join(self._current)]

    def _place(self, word: str, space: str, sequence: str) -> None:
        # What fits no line by itself begins on this one and is broken where it must be.
        size = columns(word)
        column = self._column + len(space)
        if space and (column >= self._width or column + size > self._width >= len(self._lead) + size):
            self._break()
            space = ""
        self._append(space)
        if sequence:
            self._current.append(sequence)
            self._colour = sequence
        while self._column + columns(word) > self._width:
            part = _fitting(word, self._width - self._column)
            self._append(part)
            self._break()
            word = word[len(part) :]
        self._append(word)

    def _append(self, text: str) -> None:
        self._current.append(text)
        self._column += columns(text)

    def _break(self) -> None:
        self._done.append("".join(self._current) + (_RESET if self._colour else ""))
        self._current = [self._lead, self._colour]
        self._column = columns(self._lead)


def _pieces(line: str) -> Iterator[tuple[str, bool]]:
    """Yield words, spaces and sequences, and whether a line may be broken in place of a piece.

    Within quotes it may at a single space, which a reader then knows to be one, and not within a run of them.
    """
    for found in _PIECE.finditer(line):
        piece = found[0]
        if not piece.startswith('"'):
            yield piece, piece.startswith(" ")
            continue
        for number, part in enumerate(_LONE_SPACE.split(piece)):
            if number:
                yield " ", True
            yield part, False


def _fitting(word: str, width: int) -> str:
    """Return as much of a word as some columns take."""
    taken = 0
    for position, character in enumerate(word):
        taken += columns(character)
        if taken > width:
            return word[:position]
    return word
