"""Who is who in a plan, and what stands for each person where names must not be shown."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from reconciler.equality import fold
from reconciler.model import Kind
from reconciler.planning.plan import Action, Change, Plan, Step

_Key: TypeAlias = tuple[str, str]
"""How a person is known: by ``id``; as somebody ``new``, by name; by ``name`` alone; or as ``either`` of several."""

_SHOWN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_WORDS = re.compile(r"[^\W_]+")
_SHORTEST: Final = 3
"""Shorter texts tell nobody who it is, and are found everywhere."""

_OF_WORK: Final = frozenset(
    fold(name)
    for name in (
        *("title", "department", "division", "organization", "costCenter", "userType"),
        *("preferredLanguage", "locale", "timezone", "type", "schemas", "meta", "$ref"),
    )
)
"""Attributes whose values name teams, jobs and places, as file names do as well (RFC 7643 §4.1, §4.3)."""


@dataclass(slots=True)
class _Person:
    """What a plan says of one person.

    Attributes:
        names: under which they appear.
        values: all texts among their attributes.
        spelled: the texts that initials are taken from, the best one first.
    """

    names: dict[str, None] = field(default_factory=dict)
    values: dict[str, None] = field(default_factory=dict)
    spelled: tuple[str, ...] = ()


class Pseudonyms:
    """What stands for the people of one plan: the id, or initials with a number for somebody without one.

    The same person is the same throughout a plan. Two people are never one: where a name alone does not tell which of
    several people is meant, it gets a pseudonym of its own.
    """

    def __init__(self, plan: Plan) -> None:
        self._people = defaultdict[_Key, _Person](_Person)
        self._bearers = defaultdict[str, dict[_Key, None]](dict)
        self._after = dict[str, _Key | None]()
        self._words = set[str]()
        self._odd = dict[str, None]()
        for step in plan.steps:
            self._learn_user(step)
        # Now it is known who is created: members without an id are among them.
        for edge in (edge for step in plan.steps for edge in step.members if edge.kind is Kind.USER):
            self._learn(self._created_or(edge.name, edge.id), edge.name)
        for one in plan.pending:
            if one.kind is Kind.USER:
                self._learn(("id", one.id), one.name)
        for user in plan.effect.users:
            known = self._learn(self._created_or(user.name, user.id), user.name)
            self._after[user.name] = None if user.name in self._after else known
        for name in _mentioned(plan):
            self._learn_name(name)
        self._ids = {fold(key[1]) for key in self._people if key[0] == "id"}
        self._values = {fold(value) for person in self._people.values() for value in (*person.names, *person.values)}
        self._told = dict[_Key, str]()
        self._taken = set[str]()
        self._numbers = defaultdict[str, int](int)

    def called(self, name: str, user_id: str | None = None) -> str:
        """Return what stands for somebody who is called ``name`` before the plan, or is created by it."""
        return self._pseudonym(self._key(name, user_id), name)

    def of_member(self, name: str, user_id: str | None) -> str:
        """Return what stands for somebody who is created by the plan unless there is an id."""
        return self._pseudonym(self._created_or(name, user_id), name)

    def known_by(self, user_id: str) -> str | None:
        """Return what stands for the person with an id; ``None`` where the plan tells nothing else of that id."""
        person = self._people.get(("id", user_id))
        return None if person is None else self._pseudonym(("id", user_id), next(iter(person.names), ""))

    def created(self, name: str) -> str:
        """Return what stands for somebody whom the plan creates."""
        return self._pseudonym(("new", name), name)

    def called_after(self, name: str) -> str:
        """Return what stands for somebody who is called ``name`` once the plan is applied."""
        return self._pseudonym(self._after.get(name) or self._key(name, None), name)

    def named_in(self, text: str) -> bool:
        """Tell whether a text that the tool wrote could tell a person's name or address.

        It could where it has an ``@``, the address of a user, or a word that is part of a known person's name.
        """
        if "@" in text or "user:" in text:
            return True
        folded = fold(text)
        if any(word in self._words for word in _WORDS.findall(folded)):
            return True
        return any(name in folded for name in self._odd)

    def _learn_user(self, step: Step) -> None:
        if step.kind is Kind.USER:
            key: _Key = ("new", step.name) if step.action is Action.CREATE else self._key(step.name, step.resource_id)
            self._learn(key, step.name)
            self._learn_values(key, step.changes)

    def _created_or(self, name: str, user_id: str | None) -> _Key:
        new: _Key = ("new", name)
        return new if user_id is None and new in self._bearers.get(name, ()) else self._key(name, user_id)

    def _key(self, name: str, user_id: str | None) -> _Key:
        if user_id is not None:
            return ("id", user_id)
        bearers = self._bearers.get(name, {})
        if len(bearers) > 1:
            return ("either", name)
        return next(iter(bearers), ("name", name))

    def _learn(self, key: _Key, name: str) -> _Key:
        person = self._people[key]
        if name not in person.names:
            person.names[name] = None
            self._bearers[name][key] = None
            self._learn_name(name)
        return key

    def _learn_values(self, key: _Key, changes: Sequence[Change]) -> None:
        person = self._people[key]
        for change in changes:
            values = [text for side in (change.before, change.after) for text in _texts(change.path, side)]
            person.values.update(dict.fromkeys(text for _, text in values))
            for path, text in values:
                if fold(path.rpartition(":")[2].rpartition(".")[2]) not in _OF_WORK:
                    self._learn_name(text)
            if fold(change.path) == "username":
                for _, name in values:
                    self._learn(key, name)
        person.spelled = tuple(_spelled(changes)) or person.spelled

    def _learn_name(self, text: str) -> None:
        folded = fold(text)
        local = folded.partition("@")[0]
        words = [word for word in (*_WORDS.findall(local), *_joined(local)) if len(word) >= _SHORTEST]
        self._words.update(words)
        if not words and len(folded) >= _SHORTEST:
            self._odd[folded] = None

    def _pseudonym(self, key: _Key, name: str) -> str:
        told = self._told.get(key)
        if told is None:
            person = self._people.get(key) or _Person(names={name: None})
            kind, found = key
            shown = kind == "id" and fold(found) not in self._taken and self._tells_nothing(found, person)
            told = self._told[key] = found if shown else self._numbered(person)
            self._taken.add(fold(told))
        return told

    def _tells_nothing(self, user_id: str, person: _Person) -> bool:
        """Tell whether an id is only an id, and what nobody else is called."""
        return fold(user_id) not in self._values and is_only_id(user_id, (*person.names, *person.values))

    def _numbered(self, person: _Person) -> str:
        initials = next(filter(None, map(_initials, (*person.spelled, *person.names))), "U")
        while True:
            self._numbers[initials] += 1
            candidate = f"{initials}{self._numbers[initials]}"
            folded = fold(candidate)
            if not any(folded in known for known in (self._taken, self._ids, self._values)):
                return candidate


def is_only_id(user_id: str, known: Iterable[str]) -> bool:
    """Tell whether an id tells nothing of a person: some directories make it of the name or the e-mail address.

    Args:
        user_id: the id.
        known: the person's names, and what else is known of her or him.
    """
    folded = fold(user_id)
    own = {fold(text) for text in known}
    parts = {part for text in own for part in (text, *_WORDS.findall(text), *_joined(text.partition("@")[0]))}
    return _SHOWN_ID.fullmatch(user_id) is not None and not any(
        part in folded for part in parts if len(part) >= _SHORTEST
    )


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text and number inside of an attribute's value."""
    yield from (text for _, text in _texts("", value))


def _mentioned(plan: Plan) -> Iterator[str]:
    """Yield the names of people who appear without being changed."""
    for group in plan.effect.groups:
        yield from group.kept
        yield from (name for change in (*group.gained, *group.lost) for name in change.users)
    addresses = [address for verdict in plan.guards for address in (verdict.subject or "", *verdict.resources)]
    for text in (*addresses, *plan.only, *plan.exclude, *(one.step for one in plan.left_out)):
        _, found, name = text.partition("user:")
        if found:
            yield name


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield every text inside a value with the path of the attribute that holds it."""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield path, str(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(f"{path}.{name}", inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _texts(path, inner)


def _spelled(changes: Sequence[Change]) -> Iterator[str]:
    """Yield the texts that spell somebody's name: given and family name, or what is displayed."""
    by_path = {fold(change.path): change.after or change.before for change in changes}
    whole = by_path.get("name")
    parts = whole if isinstance(whole, Mapping) else {}
    given = by_path.get("name.givenname") or parts.get("givenName")
    family = by_path.get("name.familyname") or parts.get("familyName")
    both = " ".join(part for part in (given, family) if isinstance(part, str))
    shown = by_path.get("displayname")
    yield from (text for text in (both, shown) if isinstance(text, str) and text)


def _initials(text: str) -> str:
    words = _WORDS.findall(text.partition("@")[0])
    return "".join(word[0].upper()[0] for word in words if word[0].isalpha())[:3]


def _joined(text: str) -> tuple[str, ...]:
    return ("".join(_WORDS.findall(text)),)
