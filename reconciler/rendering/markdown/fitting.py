"""A long document cut to what a comment may hold, the least important first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

_AT_FIRST: Final = 10
"""Rows that every part gets before a more important one gets more."""
_FAIR: Final = 40
"""One of the first rows takes at most this part of what is left, where it can be said in fewer words."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a part lists.

    Attributes:
        forms: how to write it, from all there is to say down to one line; at least one.
        weight: how many changes it stands for.
    """

    forms: tuple[str, ...]
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the document, in lines.

    Attributes:
        rank: how important it is; 0 is what goes last.
        opening: what stands before the rows.
        rows: the most important first; at least one.
        ending: what closes the rows.
        closing: what stands at the very end, behind the remark on what is not shown.
        noun: what is counted where rows are not shown, in the plural.
    """

    rank: int
    opening: str
    rows: Sequence[Row]
    ending: str = ""
    closing: str = ""
    noun: str = "changes"


@dataclass(slots=True)
class _Share:
    """How much of a part is shown: of each row that is, which form."""

    part: Part
    chosen: list[int] = field(default_factory=list)

    def text(self, remark: Callable[[int, int, str], str]) -> str:
        part = self.part
        rows = [row.forms[form] for row, form in zip(part.rows, self.chosen, strict=False)]
        hidden = sum(row.weight for row in part.rows[len(self.chosen) :])
        cut = sum(form > 0 for form in self.chosen)
        told = f"\n{remark(hidden, cut, part.noun)}" if hidden or cut else ""
        closing = f"\n{part.closing}" if part.closing else ""
        return "\n".join(filter(None, (part.opening, *rows, part.ending, told, closing)))


def fit(
    parts: Sequence[Part], budget: int, remark: Callable[[int, int, str], str], *, reserve: int = 0
) -> tuple[list[str], int]:
    """Return the parts as texts that together, each with an empty line behind it, take no more than ``budget`` bytes.

    Nothing is cut where all of it fits. Otherwise every part gets its first rows, the important parts first; then the
    important ones get more rows, in their shortest form; what is left goes into longer forms.

    Args:
        parts: in the order in which they stand.
        budget: bytes of UTF-8.
        remark: what to say of rows that are not shown: gets their number, that of rows that are shown shortened, and
            what they are called.
        reserve: bytes to leave free where anything is cut.

    Returns:
        The texts, and how many of what the parts list are shown shortened or not at all.
    """
    whole = [_Share(part, [0] * len(part.rows)) for part in parts]
    texts = [share.text(remark) for share in whole]
    if sum(map(_size, texts)) + 2 * len(texts) <= budget:
        return texts, 0
    shares = {index: _Share(part) for index, part in enumerate(parts)}
    by_rank = sorted(shares, key=lambda index: parts[index].rank)
    left = _first_rows(shares, by_rank, budget - reserve, remark)
    _longer_forms(shares, by_rank, _more_rows(shares, by_rank, left))
    shown = [shares[index] for index in sorted(shares) if shares[index].chosen]
    return [share.text(remark) for share in shown], sum(map(_missing, shares.values()))


def _first_rows(
    shares: dict[int, _Share], by_rank: Sequence[int], budget: int, remark: Callable[[int, int, str], str]
) -> int:
    """Give every part its first rows, in words as many as the room allows, and return what is left of the budget."""
    for index in by_rank:
        part, chosen = shares[index].part, shares[index].chosen
        # Without a row its frame says nothing: the first one pays for both.
        frame = _overhead(part, remark)
        for row in part.rows[:_AT_FIRST]:
            costs = [_size(form) + 1 for form in row.forms]
            form = next((form for form, cost in enumerate(costs) if cost <= budget // _FAIR), len(costs) - 1)
            if costs[form] + frame > budget:
                break
            budget -= costs[form] + frame
            frame = 0
            chosen.append(form)
    return budget


def _more_rows(shares: dict[int, _Share], by_rank: Sequence[int], budget: int) -> int:
    """Give the parts more rows in their shortest form, first by half of what is left, then all of it."""
    for divisor in (2, 1):
        for index in by_rank:
            part, chosen = shares[index].part, shares[index].chosen
            allowed = budget // divisor if chosen else 0
            for row in part.rows[len(chosen) :]:
                cost = _size(row.forms[-1]) + 1
                if cost > allowed:
                    break
                allowed -= cost
                budget -= cost
                chosen.append(len(row.forms) - 1)
    return budget


def _longer_forms(shares: dict[int, _Share], by_rank: Sequence[int], left: int) -> None:
    for index in by_rank:
        share = shares[index]
        for position, shortest in enumerate(share.chosen):
            forms = share.part.rows[position].forms
            spent = _size(forms[shortest])
            longest = next(form for form in range(shortest + 1) if _size(forms[form]) - spent <= left)
            left -= _size(forms[longest]) - spent
            share.chosen[position] = longest


def _overhead(part: Part, remark: Callable[[int, int, str], str]) -> int:
    """Return the bytes of a part without its rows, with the longest remark that it may need."""
    everything = sum(row.weight for row in part.rows)
    return _size(part.opening + part.ending + part.closing + remark(everything, len(part.rows), part.noun)) + 8


def _missing(share: _Share) -> int:
    cut = sum(row.weight for row, form in zip(share.part.rows, share.chosen, strict=False) if form)
    return cut + sum(row.weight for row in share.part.rows[len(share.chosen) :])


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
