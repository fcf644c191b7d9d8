"""A report as a parser of the standard library finds it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

_VOID = frozenset({"meta", "link", "input", "col", "br", "hr"})


@dataclass
class _Element:
    """An element with its text, and with the classes of all around it."""

    tag: str
    classes: frozenset[str]
    text: str = ""


class ReportPage(HTMLParser):
    """What a browser would find in a report, as far as a parser of the standard library can tell."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.data = ""
        self.policy = ""
        self._inside = ""
        self._open: list[_Element] = []
        self._closed: list[_Element] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags[tag, tuple(given)] += 1
        self._inside = tag if tag != "script" else f"script {given.get('type', '')}"
        if tag not in _VOID:
            inherited = self._open[-1].classes if self._open else frozenset()
            self._open.append(_Element(tag, inherited | frozenset((given.get("class") or "").split())))
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given.get("content") or ""

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data
        match self._inside:
            case "script application/json":
                self.data += data
            case "script ":
                self.scripts.append(data)
            case "style":
                self.styles.append(data)
            case _:
                self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
        while tag not in _VOID and self._open:
            self._closed.append(self._open.pop())
            if self._closed[-1].tag == tag:
                return

    def texts_of(self, tag: str, of_class: str | None = None) -> list[str]:
        """What stands in the elements of a name; where a class is given, in those that have it or are inside of one."""
        chosen = (one for one in self._closed if one.tag == tag and (of_class is None or of_class in one.classes))
        return [" ".join(one.text.split()) for one in chosen]

    @property
    def plan(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.data)
        return found
