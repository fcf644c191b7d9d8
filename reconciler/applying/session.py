"""What the steps of one run share: the connection, the ids of what was created, and whether to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from reconciler.applying.creations import Creations
from reconciler.applying.forms import Forms
from reconciler.applying.lookup import Lookup
from reconciler.applying.outcome import Outcome, Status
from reconciler.applying.requests import Request, TooLargeError
from reconciler.applying.sender import NotSent, Sender
from reconciler.applying.settling import Patience
from reconciler.applying.stop import StopSignal
from reconciler.applying.verbs import Verbs
from reconciler.attributes import ResourceSchema, Schemas
from reconciler.capabilities import Capabilities
from reconciler.live import endpoint_of, members_among, read_group, read_user
from reconciler.model import Kind, LiveGroup, LiveResource, LiveUser
from reconciler.planning.plan import Action, Edge, Step
from reconciler.scim.client import ScimClient, ScimResponse
from reconciler.scim.errors import RequestRefused, ScimError

_VERSION_REQUIRED = 428
_LOCK_LOST = (
    "the lock on the directory is not held any more, so that another run may write to it: nothing further was written. "
    "Go on with this run by `reconciler apply --resume`, or plan again"
)
_FAILURES_IN_A_ROW = 10
"""Steps that may fail on end for a reason that is the server's, before the run ends."""


@dataclass(slots=True, kw_only=True)
class Session:
    """One run against one directory.

    Attributes:
        client: an entered client.
        schemas: the service provider's attribute definitions.
        capabilities: what it can do.
        stop: asked before every step.
        patience: how long to wait for reads that lag behind.
        outcomes: of the steps that are finished, by step id.
        created: ids of the resources that this run created or found made, by address.
        halted: why nothing further may be written, once something says so.
        tripped: why no further step may start, while what has begun is finished: the circuit breaker's word.
        held: tells whether this run still holds the lock on the directory.
        doubtful: ids of steps that an earlier run may have carried out, in whole or in part.
        lossy_groups: groups that lost members that no step removes.
        adding: what the run knows of the forms of adding members.
        removing: likewise of removing them.
        conditional: whether writes state the version that they are meant for.
        new_groups: ids of the groups that this run created for certain, so that nobody else has put members there.
        written: memberships that this run had accepted, by the group's id and the member's: whether the member is to
            be there.
        members_shown: whether any group has shown a member in this run.
        sender: sends the writes.
        creations: what the chunk in work creates.
        joining: who is to be in the groups that this run creates, by address.
        unpatchable: attributes that PATCH turned out not to be implemented for, by kind; PUT writes them.
    """

    client: ScimClient
    schemas: Schemas
    capabilities: Capabilities
    stop: StopSignal
    patience: Patience
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    created: dict[str, str] = field(default_factory=dict)
    halted: str | None = None
    tripped: str | None = None
    held: Callable[[], bool]
    doubtful: frozenset[str] = frozenset()
    lossy_groups: int = 0
    adding: Forms = field(init=False)
    removing: Forms = field(init=False)
    conditional: bool = field(init=False)
    members_shown: bool = False
    unpatchable: set[tuple[Kind, frozenset[str]]] = field(default_factory=set)
    new_groups: set[str] = field(default_factory=set)
    written: dict[str, dict[str, bool]] = field(default_factory=dict)
    sender: Sender = field(init=False)
    creations: Creations = field(default_factory=Creations)
    joining: dict[str, tuple[Edge, ...]] = field(default_factory=dict)
    _verbs: Verbs = field(default_factory=Verbs)
    _failures: int = 0
    _lookup: Lookup = field(init=False)

    def __post_init__(self) -> None:
        self.adding = Forms.of(Action.ADD_MEMBERS, self.capabilities)
        self.removing = Forms.of(Action.REMOVE_MEMBERS, self.capabilities)
        self.conditional = self.capabilities.etag
        self.sender = Sender(self.client, self.capabilities, lambda: self.halted is not None)
        self.client.before_write = self._before_write
        self._lookup = Lookup(self.client, self.schemas, self.capabilities)

    @property
    def ended(self) -> bool:
        """Whether no further step may start."""
        return self.halted is not None or self.tripped is not None or self.stop.requested

    def halt(self, why: str) -> None:
        """Let nothing further be written. The first reason is the one that counts."""
        self.halted = self.halted or why

    def trip(self, why: str) -> None:
        """Let no further step start, and what has begun come to its end. The first reason is the one that counts."""
        self.tripped = self.tripped or why

    def _before_write(self) -> None:
        """Refuse a write without the lock, be it one that waited for its turn for long. Raises NotSent."""
        if not self.held():
            self.halt(_LOCK_LOST)
            raise NotSent(_LOCK_LOST)

    def failed(self, error: ScimError) -> None:
        """End the run where this failure says that all others would fail, too.

        A token that is not accepted says so at once. A server that is down, throttles without end or answers nonsense
        says so by doing it several times in a row: one group that is too large to be read in time, or one person whom
        this token must not touch, may not keep the leavers behind it in the directory.
        """
        if error.status == 401:
            self.halt(str(error))
        elif error.status == 403 or not isinstance(error, RequestRefused):
            self._failures += 1
            if self._failures >= _FAILURES_IN_A_ROW:
                self.halt(f"{self._failures} steps in a row failed, the last one so: {error}")

    def succeeded(self) -> None:
        """Record that the server does what it is asked for."""
        self._failures = 0

    def schema(self, kind: Kind) -> ResourceSchema:
        """Return the attribute definitions of a kind."""
        return self.schemas.user if kind is Kind.USER else self.schemas.group

    def unmet(self, step: Step, *, except_for: Collection[str] = ()) -> str | None:
        """Return why a step cannot be tried, or ``None``: something that it needs did not succeed.

        Needs in ``except_for`` are not asked about: they are tried before it, in the same chunk.

        An attribute that reads back differently does no harm to what depends on the resource, unless it is a name
        that the dependent step waits for to become free. A membership that is missing does harm, because a group is
        deleted only when its successor has all members.
        """
        for need in step.needs:
            if need in except_for:
                continue
            outcome = self.outcomes.get(need)
            if outcome is None:
                return f"needs “{need}”, which was not tried before it"
            if outcome.status is Status.APPLIED or (outcome.status is Status.DIFFERS and _usable(outcome.step)):
                continue
            return f"needs “{need}”, which is {outcome.status.replace('_', ' ')}"
        return None

    def member_ids(self, edges: Iterable[Edge]) -> tuple[dict[str, Edge], list[Edge]]:
        """Return the edges by the member's id, and those whose member does not exist because its creation failed."""
        known: dict[str, Edge] = {}
        missing: list[Edge] = []
        for edge in edges:
            member_id = edge.id or self.created.get(edge.address)
            if member_id is None:
                missing.append(edge)
            else:
                known[member_id] = edge
        return known, missing

    async def read(self, kind: Kind, resource_id: str) -> LiveUser | LiveGroup | None:
        """Return a resource as it is now, or ``None`` where there is none of that id. Raises ScimError."""
        if kind is Kind.USER:
            return await read_user(self.client, resource_id)
        return await self.read_group(resource_id)

    async def read_group(self, group_id: str) -> LiveGroup | None:
        """Return a group as it is now, or ``None`` where there is none of that id. Raises ScimError."""
        group = await read_group(self.client, group_id, capabilities=self.capabilities)
        self.members_shown = self.members_shown or (group is not None and bool(group.members))
        return group

    def shows_members(self, group: LiveGroup) -> bool:
        """Tell whether who is seen in a group is sure to be everybody: it is new, or the directory shows members.

        One that hides them, as AWS does, shows a group that is full as empty; and so what PATCH has added to it.
        """
        return self.members_shown or group.id in self.new_groups

    async def read_made(self, step: Step) -> LiveResource | None:
        """Return the resource that a step is about, and wait for it where this run made it. Raises ScimError.

        Reads may lag behind writes, so what was made a moment ago may be invisible yet.
        """
        made = self.created.get(step.address)
        resource_id = step.resource_id or made
        if resource_id is None:
            return None
        found = await self.read(step.kind, resource_id)
        for seconds in self.patience.waits if resource_id == made else ():
            if found is not None:
                break
            await asyncio.sleep(seconds)
            found = await self.read(step.kind, resource_id)
        return found

    async def members_among(self, group_id: str, member_ids: Collection[str]) -> frozenset[str] | None:
        """Return which of these are in a group now, or ``None`` where the directory does not tell. Raises ScimError."""
        return await members_among(self.client, self.capabilities, group_id, member_ids)

    def forms(self, action: Action) -> Forms:
        """Return what the run knows of the forms of adding or of removing members."""
        return self.adding if action is Action.ADD_MEMBERS else self.removing

    def intended(self, group: LiveGroup) -> LiveGroup:
        """Return a group with the members that it has once everything that was accepted is visible.

        A PUT says whole who shall be in a group. Made from a read that lags behind, it would take out again who was
        added a moment ago. That a read has shown a membership does not mean that the next one does: it may be answered
        by another replica.
        """
        written = self.written.get(group.id)
        if group.members is None or not written:
            return group
        stay = dict.fromkeys(member_id for member_id in group.members if written.get(member_id, True))
        added = dict.fromkeys(member_id for member_id, wanted in written.items() if wanted)
        return replace(group, members=tuple(stay | added))

    def version(self, resource: LiveResource, *, whole: bool = False) -> str | None:
        """Return the version that a write of a resource is meant for; ``None`` where versions are not honoured.

        A write of the ``whole`` resource (PUT) states it even where the directory was found to refuse the version that
        it shows: without it, what a read does not show yet would be written over.
        """
        return resource.version if self.conditional or (whole and self.capabilities.etag) else None

    async def look_up(self, step: Step, *, fresh: bool = True) -> LiveResource | None:
        """Return the live resource that a creation would make again, or ``None``; see :class:`Lookup`."""
        found = await self._lookup.find(step, fresh=fresh)
        return await self.read(step.kind, found) if found is not None else None

    async def look_up_patiently(self, step: Step) -> LiveResource | None:
        """Return what a creation has made, or ``None`` only after all waits. Raises ScimError."""
        for seconds in self.patience.waits:
            found = await self.look_up(step)
            if found is not None:
                return found
            await asyncio.sleep(seconds)
        return await self.look_up(step)

    async def owner_of(self, step: Step) -> str | None:
        """Return who has what a step wants for its resource alone, for a person; see :meth:`Lookup.owner`."""
        return await self._lookup.owner(step)

    def fitting(self, request: Request) -> Request:
        """Return a request whose body the directory takes.

        Raises:
            TooLargeError: it is larger than that.
        """
        limit = self.capabilities.max_body_bytes
        if request.body is not None and (size := request.size) > limit:
            raise TooLargeError(request, size, limit)
        return request

    async def send(self, request: Request) -> ScimResponse:
        """Send a write, with those of other resources where the directory takes several at once.

        Raises:
            UnresolvedReferenceError: it names what is not created together with it.
            ScimError: of every kind.
        """
        try:
            answer = await self._verbs.send(request, self.sender.send)
        except RequestRefused as refusal:
            if refusal.status != _VERSION_REQUIRED or request.resource_id is None or request.if_match is not None:
                raise
            answer = await self._send_with_version(request, request.resource_id, refusal)
        self.succeeded()
        return answer

    async def _send_with_version(self, request: Request, resource_id: str, refusal: RequestRefused) -> ScimResponse:
        """Send a write to a directory that turns out to want versions (RFC 6585 §3), and state them from now on."""
        kind = Kind.USER if request.endpoint == endpoint_of(Kind.USER) else Kind.GROUP
        current = await self.read(kind, resource_id)
        if current is None or current.version is None:
            raise refusal
        self.conditional = True
        return await self._verbs.send(replace(request, if_match=current.version), self.sender.send)

    def made(self, step: Step, resource_id: str, *, new: bool) -> None:
        """Record the id of what a creation has made, or found made, for those who build on it.

        ``new`` tells that it is certain to be this run's own work.
        """
        self.created[step.address] = resource_id
        if new and step.kind is Kind.GROUP:
            self.new_groups.add(resource_id)
        self.creations.settle(step.address)


def _usable(step: Step) -> bool:
    """Tell whether others can build on a step's resource although it reads back differently."""
    if step.action is Action.CREATE:
        return True
    renames = any(change.path == step.kind.naming_attribute for change in step.changes)
    return step.action in (Action.UPDATE, Action.REACTIVATE) and not renames
