"""Foreign text, made fit to be shown. Everything that came from a directory, a file or a plan is hostile.

A name may hold escape sequences that repaint a terminal, bidirectional controls that turn a review upside down, line
breaks that forge a line of the layout, or a command that a CI runner obeys. Nothing is dropped: what cannot be seen is
written as an escape, so that a reviewer sees that it is there.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""What counts as printable and shows nothing: Unicode's Default_Ignorable_Code_Point, and the blank Braille cell."""

_COMMANDS = re.compile(r"\A(?P<blank> *):(?=:)|#(?=#\[|#vso\[|#teamcity\[)", re.IGNORECASE)
"""Workflow commands: GitHub's ``::`` at the start of a line, and ``##[…`` of GitHub, Azure and TeamCity anywhere."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BARE = re.compile(r"[\w.@+'-]+(?: [\w.@+'&-]+)*")


def safe(text: str) -> str:
    r"""Return foreign text as one visible line: control, format and blank characters become ``\x1b`` or ``\u202e``.

    The result holds only printable characters, starts no workflow command, and stays as it was where the text is plain.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(character if _visible(character) else _escaped(character) for character in text)
    if "::" in text or "##" in text:
        text = _COMMANDS.sub(_defused, text)
    return text


def quoted(text: str) -> str:
    """Return foreign text in double quotes, so that it cannot be taken for a part of the layout."""
    return '"' + safe(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def label(name: str) -> str:
    """Return the name of a user or group: bare where it is plain letters, quoted where it could be misread."""
    return name if _BARE.fullmatch(name) and safe(name) == name else quoted(name)


def address_label(address: str) -> str:
    """Return the address of a resource, ``user:ada@example.com``, with its name as :func:`label` shows it."""
    kind, _, name = address.partition(":")
    return f"{kind}:{label(name)}" if kind in ("user", "group") else label(address)


def shorten(text: str, limit: int | None) -> str:
    """Return the text cut in the middle to ``limit`` characters; whole where there is no limit."""
    if limit is None or len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head]}…{text[len(text) - (limit - head - 1) :]}"


def abbreviated(name: str, limit: int) -> str:
    """Return a name, or an address, that stays another one than every other: cut, it carries a digest of the whole.

    Two names that differ where they are cut would read as one person otherwise.
    """
    if len(name) <= limit:
        return name
    digest = hashlib.blake2s(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    head = limit // 2
    return f"{name[:head]}…{digest}…{name[len(name) - (limit - head - 1) :]}"


def columns(text: str) -> int:
    """Return how many columns of a terminal a safe text takes: wide East Asian characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(character) for character in text)


def pad(text: str, width: int) -> str:
    """Return a safe text filled with spaces to ``width`` columns."""
    return text + " " * (width - columns(text))


def _visible(character: str) -> bool:
    return character.isprintable() and not _BLANKS.match(character)


def _escaped(character: str) -> str:
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return _SHORT.get(character) or (f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}")


def _defused(command: re.Match[str]) -> str:
    blank = command["blank"]
    return "\\x23" if blank is None else f"{blank}\\x3a"


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
