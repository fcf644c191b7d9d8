"""How text is painted and how much of it is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """ANSI sequences (ECMA-48 SGR) by what they stand for; all empty where there is no colour."""

    create: str = ""
    change: str = ""
    remove: str = ""
    replace: str = ""
    strong: str = ""
    dim: str = ""
    reset: str = ""

    def paint(self, style: str, text: str) -> str:
        """Return the text in one of this palette's styles."""
        return f"{style}{text}{self.reset}"

    def of(self, symbol: str) -> str:
        """Return the style of ``+``, ``~``, ``!``, ``-`` or ``-/+``."""
        return {"+": self.create, "~": self.change, "!": self.change, "-": self.remove}.get(symbol, self.replace)


PLAIN = Palette()
ANSI = Palette(
    create="\x1b[32m",
    change="\x1b[33m",
    remove="\x1b[31m",
    replace="\x1b[35m",
    strong="\x1b[1m",
    dim="\x1b[2m",
    reset="\x1b[0m",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one text is written.

    Attributes:
        palette: the colours.
        full: whether everything is shown that would be folded.
        value_limit: characters of a value before it is cut in the middle; ``None`` shows values whole.
        width: columns of the terminal; ``None`` is a file.
    """

    palette: Palette
    full: bool
    value_limit: int | None
    width: int | None = None

    @classmethod
    def fitting(cls, *, color: bool, full: bool, width: int | None) -> Style:
        """Return the style for a terminal of ``width`` columns, or for a file where that is ``None``."""
        # Two values stand side by side, behind a symbol and the attribute's name.
        fitting = 60 if width is None else max(24, (width - 32) // 2)
        return cls(palette=ANSI if color else PLAIN, full=full, value_limit=None if full else fitting, width=width)
