"""What of a directory is asked for by name, where it cannot be read whole or reading it whole would cost too much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.attributes import fold
from reconciler.model import Desired, DesiredGroup, DesiredResource, Kind, LiveResource, Member

Identity: TypeAlias = tuple[str, str]
"""What two resources are the same by: ``id``, ``externalId`` or ``name`` (folded), and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedResource:
    """A user or group that somebody wants to know of. It need not exist.

    Attributes:
        names: values of the naming attribute, the present one first: ``userName`` or ``displayName``.
        external_id: its ``externalId``, where one is stated.
        id: the service provider's id, where one is stated.
        members: of a group: whether its membership is stated, so that its members have to be known.
        filled: of a group: whether anybody is stated to be in it.
    """

    names: tuple[str, ...]
    external_id: str | None = None
    id: str | None = None
    members: bool = False
    filled: bool = False

    @property
    def identities(self) -> Iterator[Identity]:
        """Everything that this resource can be recognised by."""
        if self.id is not None:
            yield "id", self.id
        if self.external_id is not None:
            yield "externalId", self.external_id
        for name in self.names:
            yield "name", fold(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The users and groups that a read has to find, each as far as it is known."""

    users: tuple[WantedResource, ...] = ()
    groups: tuple[WantedResource, ...] = ()

    @classmethod
    def of(cls, desired: Desired) -> Wanted:
        """Return what planning a desired state needs: what it lists, under all their names, and all members."""
        stated = [member for group in desired.groups for member in group.members or ()]
        return cls(
            users=(*map(_wanted, desired.users), *_unlisted(Kind.USER, desired.users, stated)),
            groups=(*map(_wanted_group, desired.groups), *_unlisted(Kind.GROUP, desired.groups, stated)),
        )

    def of_kind(self, kind: Kind) -> tuple[WantedResource, ...]:
        """Return the wanted resources of one kind."""
        return self.users if kind is Kind.USER else self.groups


def recognised(resource: LiveResource, identities: Iterable[Identity]) -> bool:
    """Tell whether a live resource is one of those with these identities."""
    own = {("id", resource.id), ("name", fold(resource.name)), ("externalId", resource.external_id)}
    return not own.isdisjoint(identities)


def _wanted(desired: DesiredResource) -> WantedResource:
    return WantedResource(
        names=(desired.name, *desired.lifecycle.previously), external_id=desired.external_id, id=desired.id
    )


def _wanted_group(desired: DesiredGroup) -> WantedResource:
    one = _wanted(desired)
    return WantedResource(
        names=one.names,
        external_id=one.external_id,
        id=one.id,
        members=desired.manages_members or desired.lifecycle.min_members is not None,
        filled=bool(desired.members) or desired.match is not None,
    )


def _unlisted(kind: Kind, listed: Iterable[DesiredResource], members: Iterable[Member]) -> Iterator[WantedResource]:
    """Yield those whom a group names as members and no file lists."""
    known = {fold(name) for one in listed for name in (one.name, *one.lifecycle.previously)}
    for member in members:
        if member.kind is kind and fold(member.name) not in known:
            known.add(fold(member.name))
            yield WantedResource(names=(member.name,))
