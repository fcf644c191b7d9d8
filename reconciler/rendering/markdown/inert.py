"""Foreign text in Markdown, so that it stays text on GitHub and GitLab alike.

Markdown has no quoting that both understand: escapes and entities are undone before mentions, references and addresses
are looked for. Neither looks inside code, and a code span takes every character but the backtick as it is (CommonMark
0.31 §6.1), so names go there whole, and sentences with everything that is not a plain word. Sources: GitHub's mentions
and references leave ``pre``, ``code`` and ``a`` alone (html-pipeline, ``MentionFilter::IGNORE_PARENTS``); so do
GitLab's (``Banzai::Filter::References::ReferenceFilter``, ``EmojiFilter``), whose quick actions count at the start of a
line only, where nothing foreign ever stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, urlsplit

from reconciler.rendering.escape import quoted, safe, shorten

LONGEST_NAME: Final = 160
"""Characters of a name before it is cut in the middle."""
LONGEST_SENTENCE: Final = 600
_LONGEST_LINK: Final = 300
_LONGEST_RUN: Final = 8

_RUN = re.compile("`+")
_TOKEN = re.compile(r'`[^`]+`\S*|"(?:[^"\\]|\\.)*"\S*|“[^”]*”\S*|\([^()]*\)\S*|[^\s"`(]*\[[^\[\]]*\]\S*|\S+')
_WORD = r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*"
_NUMBER = r"\d{4}-\d\d-\d\d|\d\d:\d\d|\d{1,3}(?:,\d{3})+|\d{1,6}"
_PLAIN = re.compile(rf"\(?(?:{_WORD}|{_NUMBER})[.,;:!?)]*|[\u2013\u2014…→%=·]")
_MARKED = re.compile(r"`([^`]+)`([.,;:)]*)")
_LOOKS_LIKE_COMMIT = re.compile(r"[a-f]{7,}", re.IGNORECASE)
_STARTS_LIST = re.compile(r"\d+[.)]|[=·]")
_TRAILING = re.compile(r"[.,;:]+\Z")


def code(text: str, *, longest: int = LONGEST_NAME, cell: bool = False) -> str:
    """Return foreign text as a code span of one line, cut in the middle.

    Args:
        text: anything.
        longest: characters before it is cut.
        cell: whether it stands in a table, where a pipe would end the cell (GFM 0.29 §4.10).
    """
    return _span(_visible(text, longest), cell=cell)


def prose(text: str, *, longest: int = LONGEST_SENTENCE) -> str:
    """Return a foreign sentence in one line: plain words and numbers as they are, all else as code."""
    shown = shorten(safe(shorten(text, longest)), 2 * longest)
    return " ".join(_parts(shown)) or '`""`'


def link(words: str, url: str) -> str | None:
    """Return the tool's own words as a link; ``None`` where the address is too long, or is not one for a browser."""
    try:
        parts = urlsplit(url)
        target = quote(url, safe="/:?#@!$&+,;=%-.~").replace("&", "&amp;")
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc or len(target) > _LONGEST_LINK:
        return None
    return f"[{words}]({target})"


def _visible(text: str, longest: int) -> str:
    # Cut before escaping, which would be slow for a name of a million characters, and after, where it grew.
    cut = shorten(text, longest)
    blank_at_edge = cut != cut.strip() or not cut
    return shorten(quoted(cut) if blank_at_edge else safe(cut), 2 * longest)


def _span(shown: str, *, cell: bool = False) -> str:
    r"""Return visible text between more backticks than it has in a row; too many of these become ``\x60``."""
    shown = _RUN.sub(lambda run: "\\x60" * len(run[0]) if len(run[0]) > _LONGEST_RUN else run[0], shown)
    fence = "`" * (1 + max((len(run) for run in _RUN.findall(shown)), default=0))
    # One space on either side is taken away again by the reader, and keeps backticks of the text apart from ours.
    blank = " " if shown.startswith("`") or shown.endswith("`") else ""
    inside = shown.replace("|", "\\|") if cell else shown
    return f"{fence}{blank}{inside}{blank}{fence}"


def _parts(text: str) -> Iterator[str]:
    """Yield the words of a sentence, and what is no plain word in code, neighbours together."""
    risky: list[str] = []
    for position, token in enumerate(_TOKEN.findall(text)):
        marked = _MARKED.fullmatch(token)
        if marked or _is_plain(token, first=position == 0):
            yield from _as_code(risky)
            risky.clear()
            # What the tool's own messages mark as code is code, without the marks.
            yield _span(marked[1]) + marked[2] if marked else token
        else:
            risky.append(token)
            if token.endswith((",", ";")):
                yield from _as_code(risky)
                risky.clear()
    yield from _as_code(risky)


def _is_plain(token: str, *, first: bool) -> bool:
    if not all(map(_PLAIN.fullmatch, token.split(" "))) or _LOOKS_LIKE_COMMIT.search(token):
        return False
    return not (first and _STARTS_LIST.match(token))


def _as_code(tokens: list[str]) -> Iterator[str]:
    if tokens:
        joined = " ".join(tokens)
        # The comma behind a name belongs to the sentence.
        end = _TRAILING.search(joined)
        trailing = end[0] if end and end.start() else ""
        yield _span(joined[: len(joined) - len(trailing)]) + trailing
