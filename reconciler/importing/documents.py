"""Live state -> what the files of a workspace say, as plain mappings in a stable order. Pure.

The promise: loaded again and planned against the same live state, the plan is empty. What would break it is left out
and reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from reconciler.attributes import ResourceSchema, fold
from reconciler.config import Policy
from reconciler.desired.resources import as_text
from reconciler.filters import Filter
from reconciler.importing.acceptance import Acceptance
from reconciler.importing.left_out import LeftOut, LeftOutLog
from reconciler.importing.memberships import GroupMembers
from reconciler.importing.statable import StatableAttributes
from reconciler.model import Kind, Live, LiveGroup, LiveResource, LiveUser

Listed = dict[str, dict[str, Any]]
"""What the files say of each resource of one kind, by the service provider's id, in the order of names."""

ResourceT = TypeVar("ResourceT", LiveUser, LiveGroup)


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What the files of a workspace say.

    Attributes:
        users: the items of ``users:``, sorted by userName.
        groups: the items of ``groups:``, sorted by displayName.
        memberships: how many memberships the groups state.
        left_out: what the directory holds and the files do not.
    """

    users: tuple[dict[str, Any], ...]
    groups: tuple[dict[str, Any], ...]
    memberships: int
    left_out: tuple[LeftOut, ...]


def documents(live: Live, policy: Policy | None = None) -> Documents:
    """Return what the files have to say so that they are equal to the directory.

    Args:
        live: what the directory holds, complete.
        policy: what ``directory.yaml`` says, where there is one: resources outside its scope are not listed.
    """
    log = LeftOutLog()
    users_in_scope = _in_scope(live.users, policy.scope_users if policy else None, live.schemas.user, log)
    groups_in_scope = _in_scope(live.groups, policy.scope_groups if policy else None, live.schemas.group, log)
    users = _listed(Kind.USER, users_in_scope, live.users, live.schemas.user, log)
    ours = [group for group in groups_in_scope if not _reserved(group, live, log)]
    groups = _listed(Kind.GROUP, ours, live.groups, live.schemas.group, log)
    rosters = GroupMembers(
        live,
        listed={Kind.USER: _names(users, Kind.USER), Kind.GROUP: _names(groups, Kind.GROUP)},
        in_scope={user.id for user in users_in_scope} | {group.id for group in groups_in_scope},
        log=log,
    ).stated()
    for group_id, members in rosters.items():
        groups[group_id]["members"] = members
    return Documents(
        users=tuple(users.values()),
        groups=tuple(groups.values()),
        memberships=sum(map(len, rosters.values())),
        left_out=log.entries(),
    )


def _in_scope(
    resources: Iterable[ResourceT], text: str | None, schema: ResourceSchema, log: LeftOutLog
) -> list[ResourceT]:
    if text is None:
        return list(resources)
    matches = Filter.parse(text).compile(schema)
    inside: list[ResourceT] = []
    for resource in resources:
        if matches(resource.attributes):
            inside.append(resource)
        else:
            log.add("out-of-scope", resource.kind.lower(), "outside the scope of directory.yaml", resource.address)
    return inside


def _reserved(group: LiveGroup, live: Live, log: LeftOutLog) -> bool:
    reserved = live.capabilities.reserves(group.name)
    if reserved:
        log.add("reserved", "group", "kept by the directory itself", group.address)
    return reserved


def _listed(
    kind: Kind,
    resources: Iterable[LiveResource],
    all_live: Iterable[LiveResource],
    schema: ResourceSchema,
    log: LeftOutLog,
) -> Listed:
    """Return what the files say of resources, without members."""
    all_live = list(all_live)
    namesakes = _shared(fold(resource.name) for resource in all_live)
    shared_ids = _shared(as_text(resource.attributes.get("externalId")) for resource in all_live)
    statable = StatableAttributes(kind, schema)
    acceptance = Acceptance(kind, schema)
    listed: Listed = {}
    for resource in sorted(resources, key=_by_name):
        what = kind.lower()
        if fold(resource.name) in namesakes:
            why = f"another {what} has the same {kind.naming_attribute}, but for letter case perhaps"
            log.add("duplicate-name", what, why, resource.address)
            continue
        stated = statable.read(resource, partial(_pass_over, log, resource.address))
        if stated.get("externalId") in shared_ids:
            del stated["externalId"]
            log.add("duplicate-external-id", "externalId", f"another {what} has the same one", resource.address)
        if stated.get(kind.naming_attribute) != resource.name:
            log.add("no-name", what, f"it has no {kind.naming_attribute} that is a text", resource.address)
        elif _settle(stated, resource, acceptance, log):
            listed[resource.id] = stated
    return listed


def _settle(stated: dict[str, Any], resource: LiveResource, acceptance: Acceptance, log: LeftOutLog) -> bool:
    """Remove what loading or planning would object to, and tell whether the resource can be listed at all."""
    kind = resource.kind
    while objections := dict(acceptance.objections(stated, resource)):
        for key, why in objections.items():
            if key == kind.naming_attribute or key not in stated:
                log.add("unusable-name", kind.lower(), why, resource.address)
                return False
            del stated[key]
            log.add("unusable-value", key, why, resource.address)
    return True


def _pass_over(log: LeftOutLog, address: str, path: str, why: str) -> None:
    log.add("unstatable", path, why, address)


def _shared(keys: Iterable[Any]) -> frozenset[Any]:
    return frozenset(key for key, count in Counter(key for key in keys if isinstance(key, str)).items() if count > 1)


def _by_name(resource: LiveResource) -> tuple[str, str, str]:
    return fold(resource.name), resource.name, resource.id


def _names(listed: Listed, kind: Kind) -> dict[str, str]:
    return {resource_id: stated[kind.naming_attribute] for resource_id, stated in listed.items()}
