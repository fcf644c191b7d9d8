"""What a code host makes of a comment: GitHub's own Markdown library, and rules for what comes after it.

cmark-gfm parses as GitHub does. Mentions, references, emoji and formulas are looked for later, in the text outside of
``code``, ``pre`` and ``a``, on GitHub and on GitLab; :data:`MEANINGFUL` is what they look for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib import import_module
from typing import Final

_CMARK: Final = import_module("cmarkgfm")  # It carries no types.
_RAW_HTML: Final = import_module("cmarkgfm.cmark").Options.CMARK_OPT_UNSAFE

MEANINGFUL = re.compile(
    r"[@#$~&^\\<>|{}*`]"  # mentions, issues, snippets, labels, epics, formulas, emphasis, tables, HTML
    r"|[!%]\w|\[\w*:?\S*\]|\]\("  # merge requests, milestones, GitLab's [work_item:1], footnotes, links
    r"|:[\w+-]+:"  # emoji
    r"|\bGH-\d|\b[0-9a-fA-F]{7,}\b|\b[A-Za-z]+-\d"  # references to issues, commits, and trackers elsewhere
    r"|://|www\.\w|\w/\w"
)

_VOID = frozenset({"br", "hr", "img", "input"})


@dataclass
class Page(HTMLParser):
    """A comment as it is shown.

    Attributes:
        tags: the opening tags in order, with the marks of what they are: ``("a", "href")`` gives ``a``.
        links: where links lead.
        codes: the text of each code span and block.
        plain: the text outside of code, in pieces.
        cells: how many cells each row of a table has.
    """

    tags: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")
        if tag == "code":
            self.codes.append("")
        if tag == "tr":
            self.cells.append(0)
        if tag in ("td", "th"):
            self.cells[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes what it did not open"

    def handle_data(self, data: str) -> None:
        if "code" in self._open:
            self.codes[-1] += data
        elif "a" not in self._open:
            self.plain.append(data)

    @property
    def text(self) -> str:
        """What a reader sees outside of code."""
        return "".join(self.plain)


def shown(markdown: str) -> Page:
    """Return the page that a code host makes of a comment; every tag in it is closed."""
    page = Page()
    page.feed(_CMARK.github_flavored_markdown_to_html(markdown, options=_RAW_HTML))
    page.close()
    assert not page._open
    return page


def assert_inert(markdown: str, *, links: Iterable[str] = ()) -> Page:
    """Assert that a comment holds no link but these, nothing that a code host makes something of, and no command."""
    for line in markdown.removesuffix("\n").split("\n"):
        assert line == "" or line.isprintable(), line
        assert not line.startswith(("::", "/", "    ", "\t")), line
        assert "##[" not in line
    page = shown(markdown.replace("> [!CAUTION]\n", ""))
    assert set(page.links) <= set(links)
    found = MEANINGFUL.search(page.text)
    assert found is None, page.text[max(0, found.start() - 60) : found.end() + 60]
    return page
