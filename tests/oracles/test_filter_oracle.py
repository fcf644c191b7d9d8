"""What a filter matches, as npm's ``scim2-parse-filter`` sees it: a generated corpus, always the same."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pytest

from npm_oracles import judge
from reconciler.attributes import ENTERPRISE_USER, Attribute, Path, fold, rfc7643, unassigned
from reconciler.filters import Filter, resolve

SEED = 20260601
FILTERS = 700
RESOURCES = 24
USER = rfc7643().user
TEXTS = ("engineer", "engine", "Engineer", "köchin", "a b", 'quo"te', "back\\slash", "研究", "7", "", "e")
OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")
STRINGS = ("userName", "title", "displayName", "name.familyName", "name.givenName", "externalId", "emails.value")
MOMENTS = ("2026-01-01T00:00:00Z", "2026-06-01T12:30:00Z", "2027-01-01T00:00:00Z")
DEPARTMENT = f"{ENTERPRISE_USER}:department"


@dataclass(frozen=True)
class Term:
    """One comparison: ``path`` is the whole path, ``text`` how it is written where it stands.

    ``together`` says that the same value has to match another term, too.
    """

    text: str
    path: str
    operator: str
    value: Any = None
    together: bool = False


Tree: TypeAlias = tuple[str, tuple[Term, ...]]
"""A filter and all its comparisons."""


def literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


class Corpus:
    """Filters and resources out of one seed."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)  # noqa: S311  # a corpus, not a secret
        self.resources = [self.resource(number) for number in range(RESOURCES)]
        self.filters = [self.tree(3) for _ in range(FILTERS)]

    def maybe(self, value: Any) -> dict[str, Any]:
        return value if self.random.random() < 0.75 else {}

    def text(self) -> str:
        return self.random.choice(TEXTS)

    def resource(self, number: int) -> dict[str, Any]:
        emails = [
            {"value": self.text(), **self.maybe({"type": kind}), **self.maybe({"primary": kind == "work"})}
            for kind in self.random.sample(("work", "home", "other"), self.random.randrange(4))
        ]
        return {
            "id": str(number),
            "userName": f"{self.text()}{number}",
            **self.maybe({"title": self.text()}),
            **self.maybe({"displayName": self.text()}),
            **self.maybe({"externalId": self.text()}),
            **self.maybe({"active": self.random.random() < 0.5}),
            **self.maybe(
                {"name": {**self.maybe({"familyName": self.text()}), **self.maybe({"givenName": self.text()})}}
            ),
            **self.maybe({"emails": emails}),
            **self.maybe({ENTERPRISE_USER: {"department": self.text()}}),
            "meta": {"created": self.random.choice(MOMENTS)},
        }

    def tree(self, depth: int) -> Tree:
        kind = self.random.random()
        if depth == 0 or kind < 0.35:
            term = self.term()
            return term.text, (term,)
        if kind < 0.5:
            inner, terms = self.tree(depth - 1)
            return f"not ({inner})", terms
        if kind < 0.6:
            return self.selection()
        operator = self.random.choice((" and ", " or "))
        parts = [self.tree(depth - 1) for _ in range(self.random.choice((2, 2, 3)))]
        text = operator.join(part if self.random.random() < 0.6 else f"({part})" for part, _ in parts)
        return text, tuple(term for _, terms in parts for term in terms)

    def selection(self) -> Tree:
        terms = []
        for _ in range(self.random.choice((1, 2))):
            name = self.random.choice(("value", "type", "primary"))
            terms.append(self.comparison(name, f"emails.{name}"))
        operator = self.random.choice((" and ", " or ")) if len(terms) > 1 else ""
        text = operator.join(term.text for term in terms)
        return f"emails[{text}]", tuple(replace(term, together=operator == " and ") for term in terms)

    def term(self) -> Term:
        path = self.random.choice((*STRINGS, "active", "emails.type", "emails.primary", "meta.created", DEPARTMENT))
        if self.random.random() < 0.05:
            path = "emails"
        return self.comparison(path if self.random.random() < 0.9 else path.swapcase(), path)

    def comparison(self, written: str, path: str) -> Term:
        if self.random.random() < 0.15:
            return Term(f"{written} pr", path, "pr")
        operator, value = self.random.choice(OPERATORS), self.value(path)
        if isinstance(value, bool) or value is None:
            operator = self.random.choice(("eq", "ne"))
        return Term(f"{written} {operator} {literal(value)}", path, operator, value)

    def value(self, path: str) -> Any:
        if self.random.random() < 0.04:
            return None
        if path in ("active", "emails.primary"):
            return self.random.random() < 0.5
        if path == "meta.created":
            return self.random.choice(MOMENTS)
        return self.random.choice(("work", "home")) if path == "emails.type" else self.text()


def definition(path: str) -> Attribute:
    found = resolve(Path.parse(path), USER)
    assert found is not None
    return found[1]


def values(resource: dict[str, Any], path: str) -> list[Any]:
    found: list[Any] = [resource]
    for key in Path.parse(path).keys:
        inner = [container.get(key) for container in found if isinstance(container, dict)]
        found = [item for one in inner if one is not None for item in (one if isinstance(one, list) else [one])]
    return found


def hollow(value: Any) -> bool:
    """Tell whether something in a value is empty."""
    if isinstance(value, dict | list) and value:
        return any(hollow(item) for item in (value.values() if isinstance(value, dict) else value))
    return value == "" or (value is not None and unassigned(value))


def folding(term: Term, found: list[Any]) -> bool:
    """Tell whether letter case could decide, where it does not count."""
    texts = [value for value in (*found, term.value) if isinstance(value, str)]
    attribute = definition(term.path)
    return attribute.type == "string" and not attribute.case_exact and any(text != fold(text) for text in texts)


# What scim2-parse-filter 0.2.10 does differently, and the comparisons in which that can show: of a term, of the values
# that a resource has for it, and of the resource.
LEFT_OUT: Mapping[str, Callable[[Term, list[Any], dict[str, Any]], bool]] = {
    "it reads a backslash in a literal as one, where RFC 7644 §3.4.2.2 has the escapes of JSON": (
        lambda term, _found, _resource: "\\" in literal(term.value).replace('\\"', "")
    ),
    "it asks each term in brackets of any value, where RFC 7644 §3.4.2.2 has all of them of the same value": (
        lambda term, _found, resource: term.together and len(resource.get("emails", ())) > 1
    ),
    "it takes an empty value for a present one; pr asks for one that is not empty (RFC 7644 §3.4.2.2, table 3)": (
        lambda term, _found, resource: term.operator == "pr" and hollow(resource.get(Path.parse(term.path).keys[0]))
    ),
    "it takes null for a value, and not for the absence of one (RFC 7643 §2.5)": (
        lambda term, _found, _resource: term.operator != "pr" and term.value is None
    ),
    "it does not compare a complex attribute by its value, as RFC 7644 §3.4.2.2 shows (emails co …)": (
        lambda term, _found, _resource: term.operator != "pr" and definition(term.path).type == "complex"
    ),
    "it lets ne fail on a missing attribute; not identical is what RFC 7644 §3.4.2.2, table 3 asks for": (
        lambda term, found, _resource: term.operator == "ne" and not found
    ),
    "it lets ne hold where any value differs; here it is the opposite of eq, so none may be equal": (
        lambda term, _found, _resource: term.operator == "ne" and term.path.startswith("emails")
    ),
    "it compares exactly, where the attribute's caseExact is false (RFC 7643 §2.2, RFC 7644 §3.4.2.2)": (
        lambda term, found, _resource: term.operator != "pr" and folding(term, found)
    ),
}
UNREADABLE = next(iter(LEFT_OUT))


def left_out(term: Term, resource: dict[str, Any]) -> str | None:
    """Say why the oracle's verdict does not count for this comparison of this resource."""
    found = values(resource, term.path)
    return next((reason for reason, shows in LEFT_OUT.items() if shows(term, found, resource)), None)


def judged() -> Iterator[tuple[str, dict[str, Any], bool, bool, str | None]]:
    """Yield filter, resource, our verdict, the oracle's, and why the latter does not count, where it does not."""
    corpus = Corpus()
    texts = [text for text, _ in corpus.filters]
    verdicts = judge(filters=texts, resources=corpus.resources).verdicts
    for (text, terms), row in zip(corpus.filters, verdicts, strict=True):
        matches = Filter.parse(text).compile(USER)
        for index, resource in enumerate(corpus.resources):
            reason = next(filter(None, (left_out(term, resource) for term in terms)), None)
            if isinstance(row, dict):
                assert reason == UNREADABLE, f"{text}: {row['error']}"
            else:
                yield text, resource, matches(resource), row[index], reason


@pytest.mark.slow
def test_filters_match_what_the_oracle_says() -> None:
    compared, differing = 0, Counter[str]()
    for text, resource, ours, theirs, reason in judged():
        if reason is None:
            compared += 1
            assert ours == theirs, f"{text}\non {literal(resource)}: ours {ours}, the oracle's {theirs}"
        elif ours != theirs:
            differing[reason] += 1
    assert compared > FILTERS * RESOURCES / 4, compared
    # Each reason is needed: without it some verdicts would differ.
    assert set(differing) == set(LEFT_OUT), differing
