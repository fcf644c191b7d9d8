"""The embedded directory's store: resources, their memberships, uniqueness and look-ups. In memory, without I/O."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from reconciler.attributes import ResourceSchema
from reconciler.model import Kind
from reconciler.sandbox import rules
from reconciler.sandbox.alterations import altered, concealed
from reconciler.sandbox.behaviour import ATLASSIAN_EXTERNAL, Behaviour
from reconciler.sandbox.behaviour.definition import MembersPut, UserDelete
from reconciler.sandbox.errors import RequestRefusedError, invalid_value
from reconciler.sandbox.memberships import apply_to_members, is_membership, member_ids
from reconciler.sandbox.patch import Op, Operation, apply_operation
from reconciler.sandbox.patch_forms import check_member_count, read_booleans, read_operations
from reconciler.sandbox.records import INDEXED, Index, Record, index_key, key_value
from reconciler.sandbox.representation import Representation
from reconciler.sandbox.searches import Searches
from reconciler.sandbox.validation import normalise_resource, require_schema


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Directory:
    """Users and groups under the rules of one dialect.

    Every method holds :attr:`lock` while it works. Hold it yourself around several calls that belong together.

    Args:
        behaviour: the rules.
        base_url: where the directory is served; resources tell their location below it.
        clock: gives the current time in RFC 3339 form.

    Attributes:
        behaviour: the rules.
        representation: makes the JSON of records.
        lock: re-entrant.
    """

    def __init__(self, behaviour: Behaviour, base_url: str = "", clock: Callable[[], str] = _now) -> None:
        self.behaviour = behaviour
        self.lock = threading.RLock()
        self.representation = Representation(base_url, self._record, behaviour)
        self._clock = clock
        self._records: dict[Kind, dict[str, Record]] = {Kind.USER: {}, Kind.GROUP: {}}
        self._indexes = {kind: {name: Index(name) for name in names} for kind, names in INDEXED.items()}
        self._searches = Searches(self._records, self._indexes, behaviour, self.representation)
        self._created = 0
        self._inserted = 0
        self._gone: set[tuple[str, str]] = set()
        self._group_of_all = self._keep_group_of_all()

    def schema(self, kind: Kind) -> ResourceSchema:
        """Return the attribute definitions of a kind."""
        return self.behaviour.schemas.user if kind is Kind.USER else self.behaviour.schemas.group

    def count(self, kind: Kind) -> int:
        """Return how many resources of a kind there are, those that the server itself keeps included."""
        with self.lock:
            return len(self._records[kind])

    def resources(self, kind: Kind) -> list[dict[str, Any]]:
        """Return all resources of a kind as clients would read them, oldest first. The caller owns the values."""
        with self.lock:
            return [msgspec.json.decode(self.representation.encoded(record)) for record in self._records[kind].values()]

    def read(self, kind: Kind, resource_id: str) -> Record:
        """Return a record.

        Raises:
            RequestRefusedError: with status 404, where there is none of that kind and id.
        """
        with self.lock:
            record = self._records[kind].get(resource_id)
            if record is None:
                raise RequestRefusedError(404, f"Resource [{kind.upper()}]: with id[{resource_id}] not found.")
            return record

    def search(self, kind: Kind, text: str | None = None) -> Sequence[Record]:
        """Return the records that a filter matches, or all, in the order of their creation.

        Raises:
            RequestRefusedError: ``invalidFilter``, where it cannot be read or the dialect does not answer it.
        """
        with self.lock:
            return self._searches.find(kind, text or "")

    def create(self, kind: Kind, body: object) -> Record:
        """Create a resource from the body of a POST (RFC 7644 §3.3)."""
        with self.lock:
            stated, members = self._read_body(kind, body)
            check_member_count(len(members or {}), self.behaviour)
            record = self.prepare(kind, stated)
            self._check_members(record, members or {}, unknown_status=400)
            self.insert(record)
            self._set_members(record, members or {})
            return record

    def replace(self, kind: Kind, resource_id: str, body: object, if_match: str | None = None) -> Record:
        """Replace a resource by the body of a PUT (RFC 7644 §3.5.1): what it does not state is unset."""
        with self.lock:
            record = self._writable(kind, resource_id, if_match)
            stated, members = self._read_body(kind, body)
            if ATLASSIAN_EXTERNAL in record.attributes:
                stated[ATLASSIAN_EXTERNAL] = record.attributes[ATLASSIAN_EXTERNAL]
            attributes = rules.complete(kind, stated, self.behaviour)
            self._change(record, attributes, self._put_members(record, members), unknown_status=400)
            return record

    def _read_body(self, kind: Kind, body: object) -> tuple[dict[str, Any], dict[str, None] | None]:
        """Return the attributes that a body states, and the ids of its members where it states any."""
        if self.behaviour.boolean_strings_read:
            body = read_booleans(body)
        stated = normalise_resource(require_schema(body, kind.schema), self.schema(kind))
        members = stated.pop("members", None)
        return stated, None if members is None else member_ids(members)

    def _put_members(self, record: Record, stated: dict[str, None] | None) -> dict[str, None]:
        """Return who is a member after a PUT."""
        does = self.behaviour.members_put
        if does is MembersPut.REFUSED and stated is not None:
            raise RequestRefusedError(501, "PUT cannot change members; use PATCH")
        if does is MembersPut.REPLACED or (does is MembersPut.KEPT_UNLESS_STATED and stated is not None):
            check_member_count(len(stated or {}), self.behaviour)
            return stated or {}
        return record.members

    def patch(self, kind: Kind, resource_id: str, body: object, if_match: str | None = None) -> Record:
        """Apply the operations of a PATCH (RFC 7644 §3.5.2), all of them or none."""
        with self.lock:
            record = self._writable(kind, resource_id, if_match)
            attributes, members = record.attributes, record.members
            if self.behaviour.boolean_strings_read:
                body = read_booleans(body)
            for operation in read_operations(kind, body, self.schema(kind), self.behaviour):
                if is_membership(operation):
                    self._check_absence(members, operation)
                    members = apply_to_members(members, operation, self.representation.member)
                else:
                    attributes = apply_operation(attributes, operation)
            attributes = rules.complete(kind, attributes, self.behaviour, before=record.attributes)
            status = self.behaviour.unknown_member_status
            self._change(record, attributes, members, unknown_status=status, patched=True)
            return record

    def _check_absence(self, members: Mapping[str, None], operation: Operation) -> None:
        """Refuse to add who is a member already, where the dialect does."""
        status = self.behaviour.present_member_status
        if status is None or operation.op is not Op.ADD:
            return
        for member in member_ids(operation.value or []):
            if member in members:
                raise RequestRefusedError(status, f"{member} is a member already")

    def delete(self, kind: Kind, resource_id: str, if_match: str | None = None) -> None:
        """Delete a resource and every membership that it is part of; or what the dialect does to users instead."""
        with self.lock:
            record = self._writable(kind, resource_id, if_match)
            if kind is Kind.USER and self.behaviour.user_delete is UserDelete.SOFT:
                self._change(record, record.attributes | {"active": False}, record.members, unknown_status=400)
                return
            if kind is Kind.USER and self.behaviour.user_delete is UserDelete.IRREVERSIBLE:
                self.block(self._keys(kind, {**record.attributes, **record.concealed}).items())
            self._set_members(record, {})
            for group_id in list(record.member_of):
                group = self._records[Kind.GROUP][group_id]
                self._unlink(group, record)
                self._touch(group)
            del self._records[kind][record.id]
            for index in self._indexes[kind].values():
                index.remove(record)
            self._searches.forget()

    # What follows makes the parts of a change. `prepare` and `insert` also serve seeds.

    def prepare(self, kind: Kind, stated: Mapping[str, Any], resource_id: str | None = None) -> Record:
        """Return a record for a new resource, checked but not in the directory yet. ``stated`` is normalised."""
        attributes = altered(kind, rules.complete(kind, stated, self.behaviour), self.behaviour)
        rules.check(kind, attributes, self.behaviour)
        attributes, hidden = concealed(attributes, self.behaviour, {}, {})
        if kind is Kind.GROUP:
            rules.check_new_group_name(attributes["displayName"], self.behaviour)
        elif self.behaviour.account_ids and ATLASSIAN_EXTERNAL not in attributes:
            attributes |= rules.account_link(attributes)
        self._check_unique(kind, attributes, hidden)
        now = self._clock()
        return Record(
            kind=kind,
            id=resource_id or self._next_id(),
            attributes=attributes,
            concealed=hidden,
            created=now,
            modified=now,
        )

    def insert(self, record: Record) -> None:
        """Enter a prepared record, and make a user a member of the group of all."""
        self._inserted += 1
        record.number = self._inserted
        self._records[record.kind][record.id] = record
        for index in self._indexes[record.kind].values():
            index.add(record)
        if record.kind is Kind.USER and self._group_of_all is not None:
            self._link(self._group_of_all, record)
        self._searches.forget()

    def link_all(self, group: Record, members: Mapping[str, None]) -> None:
        """Make records members of a group that was just inserted, checked in one go."""
        self._check_members(group, members, unknown_status=400)
        self._set_members(group, members)

    def find_member(self, name: str) -> Record | None:
        """Return the one resource with an id, ``userName`` or group's ``displayName``, looked for in that order."""
        found = self._records[Kind.USER].get(name) or self._records[Kind.GROUP].get(name)
        if found is not None:
            return found
        for kind, attribute in ((Kind.USER, "userName"), (Kind.GROUP, "displayName")):
            ids = self._indexes[kind][attribute].find(name)
            if len(ids) == 1:
                return self._records[kind][ids[0]]
        return None

    @property
    def created(self) -> int:
        """How many ids were given out so far. Set it to go on where an earlier directory stopped."""
        return self._created

    @created.setter
    def created(self, count: int) -> None:
        self._created = count

    def has_id(self, resource_id: str) -> bool:
        """Tell whether any resource has the id."""
        return any(resource_id in records for records in self._records.values())

    def _record(self, resource_id: str) -> Record:
        return self._records[Kind.USER].get(resource_id) or self._records[Kind.GROUP][resource_id]

    def _next_id(self) -> str:
        """Return a new id. The same creations in the same order give the same ids, so that examples stay stable."""
        while True:
            self._created += 1
            resource_id = str(uuid5(NAMESPACE_URL, f"reconciler:sandbox:{self._created}"))
            if not self.has_id(resource_id):
                return resource_id

    def _keep_group_of_all(self) -> Record | None:
        name = self.behaviour.group_of_all
        if name is None:
            return None
        now = self._clock()
        group_id = str(uuid5(NAMESPACE_URL, name))
        group = Record(
            kind=Kind.GROUP, id=group_id, attributes={"displayName": name}, created=now, modified=now, kept=True
        )
        self._records[Kind.GROUP][group_id] = group
        for index in self._indexes[Kind.GROUP].values():
            index.add(group)
        return group

    def _writable(self, kind: Kind, resource_id: str, if_match: str | None) -> Record:
        record = self.read(kind, resource_id)
        if record.kept:
            raise RequestRefusedError(403, f"{record.display} is kept by the directory itself and takes no changes")
        rules.check_precondition(if_match, self.representation.version(record))
        return record

    def _change(
        self,
        record: Record,
        attributes: dict[str, Any],
        members: Mapping[str, None],
        *,
        unknown_status: int,
        patched: bool = False,
    ) -> None:
        """Check a change as a whole, then make it. One that changes nothing leaves ``lastModified`` alone."""
        attributes = altered(record.kind, attributes, self.behaviour, {**record.attributes, **record.concealed})
        rules.check(record.kind, attributes, self.behaviour, patched=patched)
        attributes, hidden = concealed(attributes, self.behaviour, record.attributes, record.concealed)
        members_change = members is not record.members and members.keys() != record.members.keys()
        if attributes == record.attributes and hidden == record.concealed and not members_change:
            return
        rules.check_names(record.kind, attributes, self.behaviour, record.attributes)
        self._check_unique(record.kind, attributes, hidden, record)
        self._check_members(record, members, unknown_status)
        if attributes != record.attributes:
            self._set_attributes(record, attributes)
        record.concealed = hidden
        self._set_members(record, members)
        self._touch(record)

    def _touch(self, record: Record) -> None:
        record.modified = self._clock()
        record.revision += 1
        record.encoded = None
        self._searches.forget()

    def _set_attributes(self, record: Record, attributes: dict[str, Any]) -> None:
        indexes = self._indexes[record.kind].values()
        for index in indexes:
            index.remove(record)
        display = record.display
        record.attributes = attributes
        for index in indexes:
            index.add(record)
        if record.display != display:
            record.reference = None
            for resource_id in (*record.member_of, *record.members):
                self._record(resource_id).encoded = None

    def _check_unique(
        self, kind: Kind, attributes: Mapping[str, Any], hidden: Mapping[str, Any], record: Record | None = None
    ) -> None:
        for name, value in self._keys(kind, attributes).items():
            others = (other for other in self._indexes[kind][name].find(value) if record is None or other != record.id)
            if any(others):
                raise rules.clash(kind, name, value, self.behaviour)
        if record is None and kind is Kind.USER and self._gone:
            for name, value in self._keys(kind, {**attributes, **hidden}).items():
                if (name, index_key(name, value)) in self._gone:
                    raise rules.clash(kind, name, value, self.behaviour)

    def _keys(self, kind: Kind, attributes: Mapping[str, Any]) -> dict[str, str]:
        """Return the values that no other resource of the kind may have, by attribute."""
        values = ((name, key_value(attributes, name)) for name in self.behaviour.unique.get(kind, ()))
        return {name: value for name, value in values if value is not None}

    def block(self, values: Iterable[tuple[str, str]]) -> None:
        """Let no user be created with one of these values, each told with its attribute."""
        self._gone |= {(name, index_key(name, value)) for name, value in values}

    @property
    def blocked(self) -> list[tuple[str, str]]:
        """The values with which no user can be created again, each with its attribute, in order."""
        return sorted(self._gone)

    def _check_members(self, group: Record, members: Mapping[str, None], unknown_status: int) -> None:
        users, groups = self._records[Kind.USER], self._records[Kind.GROUP]
        allowed_groups = groups if self.behaviour.nested_groups else {}
        limit = self.behaviour.max_group_members
        if limit is not None and len(members) > limit:
            raise invalid_value(f"a group can have at most {limit} members")
        for member in members:
            if member in users or member in group.members:
                continue
            if member not in allowed_groups:
                if member in groups:
                    raise invalid_value("a group cannot be a member of a group in this directory")
                scim_type = "invalidValue" if unknown_status == 400 else None
                raise RequestRefusedError(unknown_status, f"Resource [USER]: with id[{member}] not found.", scim_type)
            if member == group.id:
                raise invalid_value("a group cannot be a member of itself")

    def _set_members(self, group: Record, members: Mapping[str, None]) -> None:
        if members is group.members:
            return
        for member in [member for member in group.members if member not in members]:
            self._unlink(group, self._record(member))
        for member in members:
            if member not in group.members:
                self._link(group, self._record(member))

    def _link(self, group: Record, member: Record) -> None:
        group.members[member.id] = None
        member.member_of[group.id] = None
        group.encoded = member.encoded = None

    def _unlink(self, group: Record, member: Record) -> None:
        del group.members[member.id]
        del member.member_of[group.id]
        group.encoded = member.encoded = None
