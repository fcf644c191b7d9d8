"""What somebody who mistyped a word probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, TypeVar

import click

_Value = TypeVar("_Value")


def guess(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is nearest to one that is not, or ``None`` where none is near."""
    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def guess_or_list(word: str, known: Iterable[str]) -> str:
    """Return a sentence that names what was probably meant, or everything that there is."""
    names = tuple(known)
    meant = guess(word, names)
    return f"There are: {', '.join(names)}." if meant is None else f"Did you mean {meant!r}?"


class ChoiceType(click.Choice[_Value]):
    """One of several words. Whoever writes another one is told which was probably meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> _Value:
        """Return the choice.

        Raises:
            BadParameter: it is none of them.
        """
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            meant = guess(str(value), map(str, self.choices))
            if meant is None:
                raise
            raise click.BadParameter(f"{error.message} Did you mean {meant!r}?", ctx, param) from None
