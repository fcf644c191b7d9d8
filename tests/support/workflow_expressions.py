"""The expressions of GitHub's workflow files, as far as the examples use them; whatever else is an error.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Contexts: TypeAlias = Mapping[str, Any]
Status: TypeAlias = Mapping[str, Callable[[], bool]]
"""The functions that tell how the steps before ended."""

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(&&|\|\||==|!=|[!().])|([A-Za-z_][\w-]*))")
_PLACE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def filled(text: str, contexts: Contexts) -> str:
    """Return a text with every ``${{ … }}`` in it evaluated."""
    return _PLACE.sub(lambda match: _text(evaluate(match[1], contexts)), text)


def holds(condition: str | None, contexts: Contexts, status: Status) -> bool:
    """Return whether an ``if`` lets a job or a step run; where it asks for no status, all before has to be well."""
    bare = condition or ""
    whole = _PLACE.fullmatch(bare.strip())
    bare = whole[1] if whole else bare
    asked = any(re.search(rf"\b{name}\(", bare) for name in status)
    value = _truth(evaluate(bare, contexts, status)) if bare.strip() else True
    return value and (asked or status["success"]())


def evaluate(text: str, contexts: Contexts, status: Status | None = None) -> Any:
    """Return the value of one expression."""
    reader = _Reader(_tokens(text), contexts, status or {})
    value = reader.either()
    assert not reader.tokens, f"left over in {text!r}: {reader.tokens}"
    return value


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        assert match, f"not understood: {text[place:]!r}"
        found.append(match[0].strip())
        place = match.end()
    return found


@dataclass
class _Reader:
    tokens: list[str]
    contexts: Contexts
    status: Status

    def taken(self, *tokens: str) -> str | None:
        return self.tokens.pop(0) if self.tokens and self.tokens[0] in tokens else None

    def either(self) -> Any:
        value = self.both()
        while self.taken("||"):
            other = self.both()
            value = value if _truth(value) else other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self.taken("&&"):
            other = self.compared()
            value = other if _truth(value) else value
        return value

    def compared(self) -> Any:
        value = self.negated()
        sign = self.taken("==", "!=")
        if sign is None:
            return value
        same = _text(value).casefold() == _text(self.negated()).casefold()
        return same if sign == "==" else not same

    def negated(self) -> Any:
        return not _truth(self.negated()) if self.taken("!") else self.value()

    def value(self) -> Any:
        token = self.tokens.pop(0)
        if token == "(":
            value = self.either()
            assert self.taken(")")
            return value
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self.taken("("):
            assert self.taken(")"), f"{token} with arguments"
            return self.status[token]()
        value = self.contexts[token]
        while self.taken("."):
            name = self.tokens.pop(0)
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


def _truth(value: Any) -> bool:
    return value not in (None, "", False)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
