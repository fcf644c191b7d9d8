"""Reading no more of a directory than what is asked for, question by question, and counting the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, Final, Protocol

from reconciler.capabilities import MembersRead, Paging
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model import Kind, Live, LiveGroup, LiveResource, LiveUser, ReadStatistics
from reconciler.questions import EXTERNAL_ID, ID, Answers, Question
from reconciler.reading.anonymous import another_way
from reconciler.reading.by_name import CannotAskError
from reconciler.reading.directory import Reading, ReadProgress
from reconciler.reading.finding import FilterMemory, endpoint_of, find
from reconciler.reading.memberships import Memberships
from reconciler.reading.single import read_group, read_user
from reconciler.reading.wanted import Wanted
from reconciler.scim.answers import list_page, member
from reconciler.scim.client import ScimClient
from reconciler.scim.discovery import Discovery
from reconciler.scim.errors import RequestRefused, Unauthorized
from reconciler.scim.tasks import for_each

FEW: Final = 50
"""Questions of one kind that are asked one by one without asking first whether a listing would cost less."""
_COUNTED_ROWS: Final = 2
"""Rows that a count asks for. Some servers ignore a count of 0, and one row may be taken for all that there is."""
_OF_ALL_USERS: Final = frozenset({MembersRead.USER_GROUPS, MembersRead.PROBE})


class Inquiry(Protocol):
    """Who asks: knows what is to be asked next, from what was found so far."""

    def questions(self) -> Sequence[Question]:
        """Return what is to be asked next, all of one kind; nothing where all is known that members do not add."""

    def take(self, question: Question, answer: Iterable[LiveResource]) -> None:
        """Take in every resource that is an answer to a question."""

    def found(self, kind: Kind) -> Collection[LiveResource]:
        """Return what was found so far of a kind."""

    @property
    def unread(self) -> Sequence[LiveGroup]:
        """The groups that were found and whose members are not known yet."""

    def fill(self, groups: Iterable[LiveGroup]) -> None:
        """Take in groups with their members, as far as the directory tells them."""

    def about(self, kind: Kind) -> bool:
        """Tell whether it matters how many there are of a kind, beyond those that are asked for."""

    @property
    def users(self) -> tuple[LiveUser, ...]:
        """The users that were found, by id."""

    @property
    def groups(self) -> tuple[LiveGroup, ...]:
        """The groups that were found, by id."""


async def read_asked(
    client: ScimClient,
    discovery: Discovery,
    inquiry: Inquiry,
    *,
    wanted: Wanted,
    on_progress: Callable[[ReadProgress], None] | None = None,
    on_note: Callable[[Diagnostic], None] | None = None,
) -> Live:
    """Read what an inquiry asks for, and how many users and groups there are.

    A question costs a request, and each group that is found another one for its members, however large the directory
    is. A kind is listed whole where it can only be known in this way, or where that costs fewer requests: the service
    provider has no paging, does not take the filter that a question needs, or tells memberships in users alone (all
    users); where groups can be in groups (all groups); and where there are more than :data:`FEW` questions and fewer
    pages.

    Args:
        client: an entered client.
        discovery: what the service provider is and can do.
        inquiry: what is asked for.
        wanted: whose members are needed where groups nest and each of them costs a request: what the files list.
        on_progress: called as answers come.
        on_note: called for everything that the server did not tell.

    Returns:
        What was asked for, with ``partial`` saying so, and ``sizes``. The statistics are those of the client so far.

    Raises:
        CannotAskError: there is neither a listing nor a filter that could name a resource.
        IncompleteListing: a listing could not be proven complete.
        ScimError: of any other kind, where a request failed.
    """
    told, progress = on_note or (lambda _: None), on_progress or (lambda _: None)
    for note in discovery.notes:
        told(note)
    reading = Reading(client=client, discovery=discovery, wanted=wanted, tell=told, on_progress=progress)
    return await _Asking(inquiry, reading).read()


@dataclass
class _Asking:
    """One inquiry in one directory."""

    inquiry: Inquiry
    reading: Reading
    listed: dict[Kind, Answers] = field(default_factory=dict)
    """The kinds that were listed whole."""
    sizes: dict[Kind, int | None] = field(default_factory=dict)
    asked: dict[Kind, int] = field(default_factory=dict)
    memory: FilterMemory = field(default_factory=FilterMemory)
    by_id: dict[str, LiveGroup] = field(default_factory=dict)
    """Groups that were read one by one, with their members."""
    nobody: dict[tuple[Kind, str], list[Question]] = field(default_factory=dict)
    """By attribute, the questions that a filter answered with nobody, where it has not proven itself yet."""
    working: set[tuple[Kind, str]] = field(default_factory=set)
    """The attributes by which a filter has found somebody: of names, under one written in other letters."""
    samples: dict[Kind, Sequence[Any]] = field(default_factory=dict)
    """A few rows of each kind that was counted."""
    every_user: tuple[LiveUser, ...] = ()
    every_group: tuple[LiveGroup, ...] = ()
    has_groups: bool = True

    def __post_init__(self) -> None:
        self.client = self.reading.client
        self.capabilities = self.reading.capabilities
        self.has_groups = self.capabilities.groups

    async def read(self) -> Live:
        inquiry = self.inquiry
        while True:
            if questions := inquiry.questions():
                await self._answer(questions[0].kind, questions)
            elif doubt := await self._doubt():
                await self._answer_again(*doubt)
            elif unread := inquiry.unread:
                inquiry.fill(await self._with_members(unread))
            else:
                break
        groups_listed = Kind.GROUP in self.listed and self.capabilities.nested_groups
        for kind in Kind:
            if kind is Kind.USER or (inquiry.about(kind) and self._is_there(kind)):
                await self._count(kind)
        statistics = self.client.statistics
        return Live(
            base_url=self.client.base_url,
            schemas=self.reading.discovery.schemas,
            capabilities=replace(self.capabilities, groups=self.has_groups),
            users=inquiry.users,
            groups=self.every_group if groups_listed else inquiry.groups,
            partial=frozenset({Kind.USER} if groups_listed else Kind),
            sizes={kind: size for kind, size in self.sizes.items() if size is not None},
            statistics=ReadStatistics(requests=statistics.requests, bytes=statistics.bytes),
        )

    # Questions.

    async def _answer(self, kind: Kind, questions: Sequence[Question]) -> None:
        if not self._is_there(kind):
            answers: list[Sequence[LiveResource]] = [() for _ in questions]
        elif kind in self.listed or await self._costs_less_listed(kind, questions):
            answers = await self._out_of_listing(kind, questions)
        else:
            try:
                answers = await for_each(questions, self._ask, self.client.concurrency)
            except Unauthorized:
                raise
            except RequestRefused as refusal:
                if not self._listable:
                    raise
                self._tell_listing(kind, f"it refuses to be asked for single ones: {refusal}")
                answers = await self._out_of_listing(kind, questions)
        for question, answer in zip(questions, answers, strict=True):
            self.inquiry.take(question, answer)
            if question.attribute != ID:
                self._remember(question, answer)
        self.asked[kind] = self.asked.get(kind, 0) + len(questions)
        self.reading.on_progress(ReadProgress(kind=kind, received=self.asked[kind], total=self.asked[kind]))

    async def _ask(self, question: Question) -> Sequence[LiveResource]:
        kind = question.kind
        if question.attribute != ID:
            return await find(
                self.client,
                kind,
                question.attribute,
                question.value,
                self.reading.discovery.schemas,
                capabilities=self.capabilities,
                memory=self.memory,
            )
        if kind is Kind.USER:
            user = await read_user(self.client, question.value)
            return [] if user is None else [user]
        group = await read_group(self.client, question.value, capabilities=self.capabilities)
        if group is None:
            return []
        if self.capabilities.groups_hold_members:
            self.by_id[group.id] = group
        return [group]

    def _is_there(self, kind: Kind) -> bool:
        return kind is Kind.USER or self.has_groups

    # Doubts.

    def _remember(self, question: Question, answer: Sequence[LiveResource]) -> None:
        topic = question.kind, question.attribute
        named = question.attribute == question.kind.naming_attribute
        if any(not named or one.name != question.value for one in answer):
            self.working.add(topic)
            self.nobody.pop(topic, None)
        elif not (answer or topic in self.working or question.kind in self.listed) and self._is_there(question.kind):
            self.nobody.setdefault(topic, []).append(question)

    async def _doubt(self) -> tuple[Kind, str] | None:
        """Return an attribute by which a filter finds nobody although somebody is there, if there is one.

        Some servers answer a filter that they do not know with an empty list, and some tell capital letters from small
        ones where names are the same in any. Taken by the letter, whoever is listed would be created once more.
        """
        for kind, attribute in [*self.nobody]:
            questions = self.nobody.pop((kind, attribute))
            if self._listable and not await self._finds(kind, attribute, questions):
                self.nobody[kind, attribute] = questions
                return kind, attribute
        return None

    async def _finds(self, kind: Kind, attribute: str, questions: Iterable[Question]) -> bool:
        """Tell whether a filter that found nobody finds somebody of whom it is known that he is there.

        By name, he is asked for in other letters.
        """
        found = self.inquiry.found(kind)
        if attribute == EXTERNAL_ID:
            if not {one.external_id for one in found}.isdisjoint(one.value for one in questions):
                return False
            sample = next(iter(await self._sample(kind, attribute)), None)
        else:
            names = [one.name for one in found if one.name != one.id] or await self._sample(kind, attribute)
            sample = next((_respelled(name) for name in names if _respelled(name) != name), None)
        if sample is None:
            return True
        if await self._ask(Question(kind, attribute, sample)):
            self.working.add((kind, attribute))
        return (kind, attribute) in self.working

    async def _sample(self, kind: Kind, attribute: str) -> list[str]:
        """Return the values of an attribute that a few resources have."""
        await self._count(kind)
        values = (member(row, attribute) for row in self.samples.get(kind, ()) if isinstance(row, dict))
        return [value for value in values if isinstance(value, str) and value]

    async def _answer_again(self, kind: Kind, attribute: str) -> None:
        """Answer out of a listing what filters answered with nobody."""
        self._tell_listing(kind, f"its filter on {attribute} does not find everybody who is there")
        questions = [one for topic in [*self.nobody] if topic[0] is kind for one in self.nobody.pop(topic)]
        for question, answer in zip(questions, await self._out_of_listing(kind, questions), strict=True):
            self.inquiry.take(question, answer)

    @property
    def _listable(self) -> bool:
        return self.capabilities.paging is not Paging.FILTER_ONLY

    async def _costs_less_listed(self, kind: Kind, questions: Sequence[Question]) -> bool:
        """Tell whether a kind has to be listed, or is listed with fewer requests than single questions take."""
        able = self.capabilities
        unable = [one for one in questions if one.attribute != ID and not able.filters(kind, one.attribute)]
        if not self._listable:
            if unable:
                raise CannotAskError(kind, unable[0].value)
            return False
        if unable:
            self._tell_listing(kind, f"it takes no filter on {unable[0].attribute}")
            return True
        if kind is Kind.GROUP and able.nested_groups:
            self._tell_listing(kind, "its groups can be in groups, and any may hold one that the change touches")
            return True
        if able.paging is Paging.NONE:
            return True
        if len(questions) <= FEW:
            return False
        size = await self._count(kind)
        page = able.page_size if kind is Kind.USER else able.group_page_size
        return size is not None and ceil(size / page) < len(questions)

    def _tell_listing(self, kind: Kind, why: str) -> None:
        what = f"{kind.lower()}s"
        message = f"all {what} of the directory are read, although the change touches few: {why}"
        self.reading.tell(Diagnostic(code="listed-whole", message=message, severity=Severity.NOTE))

    # Listings.

    async def _out_of_listing(self, kind: Kind, questions: Iterable[Question]) -> list[Sequence[LiveResource]]:
        listed = self.listed.get(kind) or await self._list(kind)
        return [listed.to(question) for question in questions]

    async def _list(self, kind: Kind) -> Answers:
        found: Sequence[LiveResource]
        if kind is Kind.USER:
            found = self.every_user = tuple(await self.reading.users())
        else:
            groups = await self.reading.groups()
            self.has_groups = groups is not None
            found = self.every_group = tuple(groups or ())
        listed = self.listed[kind] = Answers(found)
        self.sizes[kind] = len(found)
        if kind is Kind.GROUP and self.capabilities.nested_groups:
            users = list(self.every_user or self.inquiry.users)
            self.every_group = tuple(await self.reading.complete(self.every_group, users, self.capabilities))
            self.by_id |= {group.id: group for group in self.every_group}
        return listed

    async def _count(self, kind: Kind) -> int | None:
        """Return how many there are of a kind, ``None`` where the server does not tell, or cannot be believed."""
        if kind not in self.sizes:
            self.sizes[kind] = await self._counted(kind)
        return self.sizes[kind]

    async def _counted(self, kind: Kind) -> int | None:
        if not self._listable:
            return None
        params: dict[str, str | int] = {"count": _COUNTED_ROWS}
        if self.capabilities.paging is Paging.INDEX:
            params["startIndex"] = 1
        if kind is Kind.GROUP and self.capabilities.exclude_members:
            params["excludedAttributes"] = "members"
        try:
            page = list_page((await self.client.get(f"/{endpoint_of(kind)}", params)).body or {})
        except Unauthorized:
            raise
        except RequestRefused:
            return None
        self.samples[kind] = page.resources
        known = len(self.inquiry.found(kind))
        # A server may send the length of the page in place of the number of all.
        complete = len(page.resources) < _COUNTED_ROWS
        believed = page.total is not None and page.total >= known and (complete or page.total > len(page.resources))
        return page.total if believed else None

    # Members.

    async def _with_members(self, groups: Sequence[LiveGroup]) -> Sequence[LiveGroup]:
        """Return groups with their members, as far as the directory tells them."""
        known = {group.id: self.by_id[group.id] for group in groups if group.id in self.by_id}
        others = await self._members_of([group for group in groups if group.id not in known])
        return await self._by_their_ids([*known.values(), *others])

    async def _members_of(self, groups: list[LiveGroup]) -> list[LiveGroup]:
        able = self.capabilities
        if groups and able.members_read in _OF_ALL_USERS and self._listable and Kind.USER not in self.listed:
            self._tell_listing(Kind.USER, f"its groups do not tell their members (members_read: {able.members_read})")
            await self._list(Kind.USER)
        # What a listing holds, each group holds as well.
        singly = able.members_read is MembersRead.LISTING or Kind.USER not in self.listed
        return await self._memberships(by_name=singly).complete(groups)

    def _memberships(self, *, by_name: bool) -> Memberships:
        return Memberships(
            client=self.client,
            capabilities=self.capabilities,
            wanted=None,
            users=self.every_user or self.inquiry.users,
            by_name=by_name,
            tell=self.reading.tell,
            on_progress=self.reading.progress(Kind.GROUP),
        )

    async def _by_their_ids(self, groups: list[LiveGroup]) -> list[LiveGroup]:
        """Return groups whose members are told by their ids; where groups name them otherwise, what users tell."""
        if self.capabilities.members_read is not MembersRead.LISTING or not self._listable:
            return groups
        if another_way(groups, self.inquiry.users) is None:
            # All may be empty, and the server may only not tell.
            return await self._memberships(by_name=False).complete(groups)
        await self._out_of_listing(Kind.USER, ())
        other = another_way(groups, self.every_user)
        if other is None:
            return groups
        members_read, why = other
        self.reading.tell(why)
        self.capabilities = replace(self.capabilities, members_read=members_read)
        return await self._members_of([replace(group, members=None) for group in groups])


def _respelled(name: str) -> str:
    """Return a name with its capital letters small and the others capital, of those that every server knows."""
    return "".join(letter.swapcase() if letter.isascii() else letter for letter in name)
