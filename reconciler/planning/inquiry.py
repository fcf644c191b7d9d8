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

from reconciler.attributes import fold
from reconciler.capabilities import Capabilities, Paging
from reconciler.config import Unlisted
from reconciler.model import Desired, DesiredResource, Kind, Live, LiveGroup, LiveResource, LiveUser
from reconciler.planning.touched import Touched, listed, renamed
from reconciler.questions import EXTERNAL_ID, ID, Answers, Question, answered_by, questions_about


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
        for question in answered_by(live):
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
        self._inside: set[str] = set()
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
        for question in self._askable([*questions]):
            known = self._kinds[question.kind]
            if question.key not in known.asked:
                known.waiting.setdefault(question.key, question)

    def _askable(self, questions: Sequence[Question]) -> Sequence[Question]:
        """Return those of the questions about one resource that can be asked; all where none can, so that it is told.

        Of a directory that can be listed, any can be asked: it costs a listing then.
        """
        if self._listable:
            return questions
        able = [one for one in questions if one.attribute == ID or self._capabilities.filters(one.kind, one.attribute)]
        return able or questions

    @property
    def _listable(self) -> bool:
        return self._capabilities.paging is not Paging.FILTER_ONLY

    def questions(self) -> tuple[Question, ...]:
        """Return what is to be asked next, all of one kind; nothing where only members of groups may add something.

        What identifies a resource for certain comes first: where its name shows on the way, and no two resources can
        share it, that need not be asked for. A filter on ``externalId`` that the service provider does not take comes
        last: it costs a listing, unless a resource that was found already is the answer.
        """
        for urgent in (self._certain, self._by_name, self._waiting):
            for kind in Kind:
                if found := tuple(urgent(kind)):
                    return found
        return ()

    def _waiting(self, kind: Kind) -> Iterable[Question]:
        known = self._kinds[kind]
        external_ids = {one.external_id for one in known.found.values()}
        for question in [*known.waiting.values()]:
            if question.attribute == EXTERNAL_ID and question.value in external_ids:
                self._settle(question)
        return known.waiting.values()

    def _certain(self, kind: Kind) -> Iterable[Question]:
        attributes = [ID, *([EXTERNAL_ID] if self._capabilities.filters(kind, EXTERNAL_ID) else [])]
        return [one for one in self._kinds[kind].waiting.values() if one.attribute in attributes]

    def _by_name(self, kind: Kind) -> Iterable[Question]:
        known, naming = self._kinds[kind], kind.naming_attribute
        for question in [*known.waiting.values()]:
            shown = question.attribute == naming and fold(question.value) in known.names
            if shown and self._capabilities.unique(kind, naming):
                self._settle(question)
        return [one for one in known.waiting.values() if one.attribute == naming]

    def _settle(self, question: Question) -> None:
        known = self._kinds[question.kind]
        known.waiting.pop(question.key, None)
        known.asked.add(question.key)

    def take(self, question: Question, answer: Iterable[LiveResource]) -> None:
        """Take in what was found of a question: every resource that is an answer to it."""
        self._settle(question)
        known = self._kinds[question.kind]
        for resource in answer:
            if resource.id not in known.found:
                known.found[resource.id] = resource
                known.names.add(fold(resource.name))
                self._follow(resource)

    def _follow(self, resource: LiveResource) -> None:
        """Want what competes for a resource, and the groups of somebody who loses the account."""
        kind = resource.kind
        self._kinds[kind].asked.add((kind, ID, resource.id))
        if self._listable or self._capabilities.filters(kind, kind.naming_attribute):
            self._want([Question(kind, kind.naming_attribute, resource.name)])
        for rival in self._competition.about(resource):
            self._want(questions_about(kind, rival))
        if isinstance(resource, LiveUser) and any(one.key in self._going for one in answered_by(resource)):
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

    def asks(self, kind: Kind) -> bool:
        """Tell whether resources of a kind have been asked for."""
        return bool(self._kinds[kind].asked)

    def about(self, kind: Kind) -> bool:
        """Tell whether the change touches resources of a kind, and not their memberships alone."""
        return bool(self._touched.of_kind(kind))

    def found(self, kind: Kind) -> Collection[LiveResource]:
        """Return what was found so far of a kind."""
        return self._kinds[kind].found.values()

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
            whole = any(question.key in self._of_whole for question in answered_by(group))
            if whole or group.id in self._inside or self._is_replaced(group):
                self._want_everybody_in(group)

    def _want_everybody_in(self, group: LiveGroup) -> None:
        """Want everybody in a group, and in the groups inside of it: all of them gain or lose with it."""
        reached = [group]
        while reached:
            members = reached.pop().members or ()
            self._want(Question(Kind.USER, ID, member) for member in members)
            if self._capabilities.nested_groups:
                self._want(Question(Kind.GROUP, ID, member) for member in members)
                reached += [self._filled[one] for one in members if one in self._filled and one not in self._inside]
                self._inside.update(members)

    @cached_property
    def _of_whole(self) -> Collection[tuple[Kind, str, str]]:
        """What groups are found by of whose members every one counts, and those that come into another or leave it."""
        names = {*self._touched.whole, *(name for kind, name in self._touched.member_keys if kind is Kind.GROUP)}
        groups = [state[name] for state in self._listed[Kind.GROUP] for name in names if name in state]
        unlisted = (name for name in names if not any(name in state for state in self._listed[Kind.GROUP]))
        keys = {Question(Kind.GROUP, Kind.GROUP.naming_attribute, name).key for name in unlisted}
        return keys | {question.key for one in groups for question in questions_about(Kind.GROUP, one)}

    def _is_replaced(self, group: LiveGroup) -> bool:
        """Tell whether another group takes the place of one, so that everybody in it has to be carried over."""
        if self._capabilities.group_rename:
            return False
        now = self._listed[Kind.GROUP][0]
        names = {fold(one.name) for one in self._competition.about(group)} & now.keys()
        return any(name != fold(group.name) for name in names)

    @property
    def users(self) -> tuple[LiveUser, ...]:
        """The users that were found, by id."""
        found = self._kinds[Kind.USER].found
        return tuple(one for _, one in sorted(found.items()) if isinstance(one, LiveUser))

    @property
    def groups(self) -> tuple[LiveGroup, ...]:
        """The groups that were found, by id, with their members where those were told."""
        return tuple(self._filled[group_id] for group_id in sorted(self._filled))


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
    nests = live.capabilities.nested_groups and inquiry.asks(Kind.GROUP)
    return replace(
        live,
        users=inquiry.users,
        groups=live.groups if nests else inquiry.groups,
        partial=frozenset({Kind.USER} if nests else Kind),
        sizes={kind: len(live.of_kind(kind)) for kind in Kind},
    )
