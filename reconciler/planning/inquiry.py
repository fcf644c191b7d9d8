"""What a directory has to be asked for, so that a plan of a change says what one of everything says of it. Pure.

Asked for is every resource that the touched lines may mean, and then whatever competes for what was found: other lines
that may mean the same resource, other resources that have the same name. So each listed resource that is looked at
finds the live one that it would find among all of them, and what is not looked at makes no difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from reconciler.attributes import fold
from reconciler.capabilities import Capabilities
from reconciler.config import Unlisted
from reconciler.model import Desired, DesiredResource, Kind, Live, LiveGroup, LiveResource, LiveUser
from reconciler.planning.touched import Touched, listed, renamed

ID, EXTERNAL_ID = "id", "externalId"


class Question(NamedTuple):
    """Which resources of a kind have a value of an attribute: ``id``, ``externalId`` or the naming one."""

    kind: Kind
    attribute: str
    value: str

    @property
    def key(self) -> tuple[Kind, str, str]:
        """What equal questions have in common: names are the same in any case."""
        named = self.attribute == self.kind.naming_attribute
        return self.kind, self.attribute, fold(self.value) if named else self.value


def questions_about(kind: Kind, resource: DesiredResource) -> Iterator[Question]:
    """Yield everything that a listed resource may be found by."""
    if resource.id is not None:
        yield Question(kind, ID, resource.id)
    if resource.external_id is not None:
        yield Question(kind, EXTERNAL_ID, resource.external_id)
    for name in (resource.name, *resource.lifecycle.previously):
        yield Question(kind, kind.naming_attribute, name)


def _answered_by(resource: LiveResource) -> Iterator[Question]:
    """Yield the questions that a live resource is an answer to."""
    yield Question(resource.kind, ID, resource.id)
    if resource.external_id is not None:
        yield Question(resource.kind, EXTERNAL_ID, resource.external_id)
    yield Question(resource.kind, resource.kind.naming_attribute, resource.name)


class Competition:
    """Finds the listed resources of both states that may mean a live one."""

    def __init__(self, *states: Desired) -> None:
        self._states = states

    @cached_property
    def _by_identity(self) -> Mapping[tuple[Kind, str, str], Sequence[DesiredResource]]:
        found = defaultdict[tuple[Kind, str, str], list[DesiredResource]](list)
        for state in self._states:
            for resource in (*state.users, *state.groups):
                for question in questions_about(resource.kind, resource):
                    found[question.key].append(resource)
        return found

    def about(self, live: LiveResource) -> Iterator[DesiredResource]:
        """Yield every listed resource that states the id, the externalId or a name of a live one."""
        for question in _answered_by(live):
            yield from self._by_identity.get(question.key, ())


@dataclass(slots=True)
class _Known:
    """What was asked of resources of one kind, and what was found."""

    waiting: dict[tuple[Kind, str, str], Question] = field(default_factory=dict)
    asked: set[tuple[Kind, str, str]] = field(default_factory=set)
    found: dict[str, LiveResource] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class Inquiry:
    """Goes from the touched lines to everything that has to be known, in rounds of questions and answers.

    Args:
        touched: what the change touches.
        now: what the files state now.
        capabilities: what the service provider can do: which names are unique, whether groups nest.
        as_of: the moment of the plan, by which somebody's time may be over.
        groups_of: returns the ids of the groups that a user says to be in, as far as it does.
    """

    def __init__(
        self,
        touched: Touched,
        now: Desired,
        *,
        capabilities: Capabilities,
        as_of: datetime,
        groups_of: Callable[[LiveUser], Collection[str] | None],
    ) -> None:
        self._touched = touched
        self._now = now
        self._capabilities = capabilities
        self._as_of = as_of
        self._groups_of = groups_of
        self._kinds = {kind: _Known() for kind in Kind}
        self._competition = Competition(now, touched.before)
        self._filled: dict[str, LiveGroup] = {}
        self._listed = {kind: (listed(now, kind), listed(touched.before, kind)) for kind in Kind}
        self._begin()

    def _begin(self) -> None:
        touched = self._touched
        for kind in Kind:
            self._want_named(kind, touched.of_kind(kind))
        self._want_named(Kind.GROUP, (*touched.members, *touched.whole, *touched.sources))
        for kind, name in sorted(touched.member_keys):
            self._want_named(kind, (name,))
        for name in self._required():
            self._want_named(Kind.USER, (fold(name),), spelled=name)

    def _want_named(self, kind: Kind, names: Iterable[str], *, spelled: str | None = None) -> None:
        for name in sorted(names):
            stated = [state[name] for state in self._listed[kind] if name in state]
            for resource in stated:
                self._want(questions_about(kind, resource))
            if not stated:
                self._want([Question(kind, kind.naming_attribute, spelled or self._spelled.get((kind, name), name))])

    @cached_property
    def _spelled(self) -> Mapping[tuple[Kind, str], str]:
        """How members that no file lists are written."""
        states = (self._touched.before, self._now)
        members = (one for state in states for group in state.groups for one in group.members or ())
        return {(one.kind, fold(one.name)): one.name for one in members}

    def _required(self) -> Iterator[str]:
        """Yield the users who must be in the touched groups, and those whom nothing may be taken from."""
        protection = self._now.config.policy.protection
        names = {*self._touched.groups, *self._touched.members, *self._touched.whole}
        for group, users in protection.required_members.items():
            if fold(group) in names:
                yield from users
        for state in self._listed[Kind.GROUP]:
            for name in names & state.keys():
                yield from state[name].lifecycle.required_members
        if self._capabilities.nested_groups and self._touched.groups | self._touched.members.keys():
            yield from protection.break_glass

    def _want(self, questions: Iterable[Question]) -> None:
        for question in questions:
            known = self._kinds[question.kind]
            if question.key not in known.asked:
                known.waiting.setdefault(question.key, question)

    def questions(self) -> tuple[Question, ...]:
        """Return what is to be asked next; nothing where everything is known that members of groups do not add.

        What identifies a resource for certain comes first: where its name shows on the way, and no two resources can
        share it, that need not be asked for.
        """
        for known in self._kinds.values():
            certain = [one for one in known.waiting.values() if one.attribute != one.kind.naming_attribute]
            if certain:
                return tuple(certain)
        for kind, known in self._kinds.items():
            if self._capabilities.unique(kind, kind.naming_attribute):
                shown = [key for key in known.waiting if key[2] in known.names]
                for key in shown:
                    known.asked.add(key)
                    del known.waiting[key]
            if known.waiting:
                return tuple(known.waiting.values())
        return ()

    def take(self, question: Question, answer: Iterable[LiveResource]) -> None:
        """Take in what was found of a question: every resource that is an answer to it."""
        known = self._kinds[question.kind]
        known.waiting.pop(question.key, None)
        known.asked.add(question.key)
        for resource in answer:
            if resource.id not in known.found:
                known.found[resource.id] = resource
                known.names.add(fold(resource.name))
                self._follow(resource)

    def _follow(self, resource: LiveResource) -> None:
        """Want what competes for a resource, and the groups of somebody who loses the account."""
        kind = resource.kind
        self._kinds[kind].asked.add((kind, ID, resource.id))
        self._want([Question(kind, kind.naming_attribute, resource.name)])
        for rival in self._competition.about(resource):
            self._want(questions_about(kind, rival))
        if isinstance(resource, LiveUser) and any(one.key in self._going for one in _answered_by(resource)):
            self._want(Question(Kind.GROUP, ID, group) for group in self._groups_of(resource) or ())

    @cached_property
    def _going(self) -> Collection[tuple[Kind, str, str]]:
        """What users are found by who lose their accounts by the change."""
        now, before = self._listed[Kind.USER]
        old_names = renamed(before, now)
        ignores = self._now.config.policy.unlisted_users is Unlisted.IGNORE
        going = []
        for name in self._touched.users:
            stated = now.get(name)
            if stated is None:
                going += [] if ignores or name in old_names else [before[name]]
            elif stated.attributes.get("active") is False or stated.lifecycle.expired(self._as_of):
                going += [stated, *([before[name]] if name in before else [])]
        return {question.key for one in going for question in questions_about(Kind.USER, one)}

    @property
    def unread(self) -> tuple[LiveGroup, ...]:
        """The groups that were found and whose members are not known yet, by id."""
        found = self._kinds[Kind.GROUP].found
        return tuple(
            one for _, one in sorted(found.items()) if isinstance(one, LiveGroup) and one.id not in self._filled
        )

    def fill(self, groups: Iterable[LiveGroup]) -> None:
        """Take in groups with their members, as far as the directory tells them."""
        for group in groups:
            self._filled[group.id] = group
            if any(question.key in self._of_whole for question in _answered_by(group)):
                self._want(Question(Kind.USER, ID, member) for member in group.members or ())

    @cached_property
    def _of_whole(self) -> Collection[tuple[Kind, str, str]]:
        """What groups are found by of whose members every one counts."""
        groups = [state[name] for state in self._listed[Kind.GROUP] for name in self._touched.whole if name in state]
        return {question.key for one in groups for question in questions_about(Kind.GROUP, one)}

    @property
    def users(self) -> tuple[LiveUser, ...]:
        """The users that were found, by id."""
        found = self._kinds[Kind.USER].found
        return tuple(one for _, one in sorted(found.items()) if isinstance(one, LiveUser))

    @property
    def groups(self) -> tuple[LiveGroup, ...]:
        """The groups that were found, by id, with their members where those were told."""
        return tuple(self._filled[group_id] for group_id in sorted(self._filled))


class Answers:
    """Answers questions out of resources that are all known."""

    def __init__(self, resources: Iterable[LiveResource]) -> None:
        self._by_identity = defaultdict[tuple[Kind, str, str], list[LiveResource]](list)
        for resource in resources:
            for question in _answered_by(resource):
                self._by_identity[question.key].append(resource)

    def to(self, question: Question) -> Sequence[LiveResource]:
        """Return the resources that are an answer to a question."""
        return self._by_identity.get(question.key, ())


def excerpt(live: Live, inquiry: Inquiry) -> Live:
    """Return what an inquiry asks for, out of a directory that was read whole.

    Where groups nest, all of them belong to it: any may hold a touched one.
    """
    answers = Answers((*live.users, *live.groups))
    while True:
        for question in (questions := inquiry.questions()):
            inquiry.take(question, answers.to(question))
        if unread := inquiry.unread:
            inquiry.fill(unread)
        elif not questions:
            break
    nests = live.capabilities.nested_groups
    return replace(
        live,
        users=inquiry.users,
        groups=live.groups if nests else inquiry.groups,
        partial=frozenset({Kind.USER} if nests else Kind),
        sizes={kind: len(live.of_kind(kind)) for kind in Kind},
    )
