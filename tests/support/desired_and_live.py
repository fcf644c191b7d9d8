"""Small desired and live states, written the way a test wants to read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from reconciler.attributes import Schemas, rfc7643
from reconciler.capabilities import Capabilities
from reconciler.config import DirectoryConfig, Guards, Limit, Policy, TokenSource, Unlisted
from reconciler.model import (
    Desired,
    DesiredGroup,
    DesiredResource,
    DesiredUser,
    History,
    Kind,
    LastRun,
    Lifecycle,
    Live,
    LiveGroup,
    LiveResource,
    LiveUser,
    Member,
    Observation,
    Origin,
)
from reconciler.planning import Action, Plan, Step, plan

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
PAST = datetime(2026, 5, 1, tzinfo=UTC)
FUTURE = datetime(2026, 7, 1, tzinfo=UTC)

UNGUARDED = Guards(**dict.fromkeys(Guards.__slots__, Limit()))


class Place(str):
    """A source whose every place tells what was asked for: ``ada@example.com/lifecycle/until:1``."""

    __slots__ = ()

    def locate(self, *path: str | int) -> Origin:
        return Origin("/".join([self, *map(str, path)]), 1, 1)


def _lifecycle(settings: Mapping[str, Any]) -> Lifecycle:
    return Lifecycle(**{"starts" if name == "from_" else name: value for name, value in settings.items()})


_LIFECYCLE = tuple("from_" if one.name == "starts" else one.name for one in fields(Lifecycle))


def user(name: str, /, **stated: Any) -> DesiredUser:
    """A listed user. What is neither ``id`` nor a part of ``lifecycle`` is an attribute."""
    lifecycle = _lifecycle({key: stated.pop(key) for key in _LIFECYCLE if key in stated})
    stated_id = stated.pop("id", None)
    attributes = {"userName": name, "active": True, **stated}
    return DesiredUser(attributes=attributes, source=Place(name), id=stated_id, lifecycle=lifecycle)


def group(
    name: str,
    members: Iterable[str | Member] | None = None,
    /,
    *,
    match: str | None = None,
    **stated: Any,
) -> DesiredGroup:
    """A listed group. Members are user names or members; ``None`` states nothing of them."""
    lifecycle = _lifecycle({key: stated.pop(key) for key in _LIFECYCLE if key in stated})
    stated_id = stated.pop("id", None)
    return DesiredGroup(
        attributes={"displayName": name, **stated},
        source=Place(name),
        id=stated_id,
        lifecycle=lifecycle,
        match=match,
        members=None if members is None else tuple(member(one) if isinstance(one, str) else one for one in members),
    )


def member(name: str, *, from_: datetime | None = None, until: datetime | None = None, **stated: Any) -> Member:
    """A user as a stated member."""
    return Member(kind=Kind.USER, name=name, starts=from_, until=until, **stated)


def nested(name: str, *, from_: datetime | None = None, until: datetime | None = None) -> Member:
    """A group as a stated member."""
    return Member(kind=Kind.GROUP, name=name, starts=from_, until=until)


def live_user(resource_id: str, name: str, /, **attributes: Any) -> LiveUser:
    """A user of the directory, active unless said otherwise."""
    return LiveUser(id=resource_id, attributes={"userName": name, "active": True, **attributes})


def live_group(resource_id: str, name: str, members: Iterable[str] | None = (), /, **attributes: Any) -> LiveGroup:
    """A group of the directory; ``members=None`` is a membership that the directory does not tell."""
    return LiveGroup(
        id=resource_id,
        attributes={"displayName": name, **attributes},
        members=None if members is None else tuple(members),
    )


def policy(users: Unlisted = Unlisted.IGNORE, groups: Unlisted = Unlisted.IGNORE, **settings: Any) -> Policy:
    """A policy that leaves unlisted resources alone and limits nothing, unless told otherwise."""
    return Policy(unlisted_users=users, unlisted_groups=groups, **{"guards": UNGUARDED, **settings})


def desired(*listed: DesiredResource, rules: Policy | None = None, members_may_be_unlisted: bool = False) -> Desired:
    """A desired state of these users and groups."""
    config = DirectoryConfig(
        name="test",
        base_url="https://scim.example.com",
        token=TokenSource(env="SCIM_TOKEN"),
        policy=rules or policy(),
        members_may_be_unlisted=members_may_be_unlisted,
    )
    return Desired(
        config=config,
        users=tuple(one for one in listed if isinstance(one, DesiredUser)),
        groups=tuple(one for one in listed if isinstance(one, DesiredGroup)),
        digest="sha256:desired",
        files=1,
    )


def live(
    *resources: LiveResource, schemas: Schemas | None = None, partial: Iterable[Kind] = (), **capabilities: Any
) -> Live:
    """A directory of these users and groups, with these capabilities."""
    return Live(
        base_url="https://scim.example.com",
        schemas=schemas or rfc7643(),
        capabilities=Capabilities(**capabilities),
        users=tuple(one for one in resources if isinstance(one, LiveUser)),
        groups=tuple(one for one in resources if isinstance(one, LiveGroup)),
        partial=frozenset(partial),
    )


def planned(
    listed: Iterable[DesiredResource],
    found: Iterable[LiveResource] | Live = (),
    rules: Policy | None = None,
    *,
    as_of: datetime = AS_OF,
    members_may_be_unlisted: bool = False,
    observations: Iterable[Observation] = (),
    last: LastRun | None = None,
) -> Plan:
    """The plan for these listed resources and this directory."""
    wanted = desired(*listed, rules=rules, members_may_be_unlisted=members_may_be_unlisted)
    return plan(
        wanted,
        found if isinstance(found, Live) else live(*found),
        as_of=as_of,
        history=History(observations=tuple(observations), last_run=last),
    )


def step_ids(made: Plan) -> list[str]:
    """The steps of a plan by id, in order."""
    return [step.id for step in made.steps]


def only_step(made: Plan) -> Step:
    """The step of a plan that has just one."""
    [step] = made.steps
    return step


def edges(made: Plan, action: Action) -> dict[str, dict[str, str]]:
    """By group, the members that are added or removed, and why."""
    changed: dict[str, dict[str, str]] = {}
    for step in made.steps:
        if step.action is action:
            changed.setdefault(step.name, {}).update({edge.name: edge.reason.value for edge in step.members})
    return changed


def changes(step: Step) -> dict[str, tuple[Any, Any]]:
    """By path, the values before and after a step."""
    return {change.path: (change.before, change.after) for change in step.changes}


def warnings(made: Plan) -> dict[str, list[str]]:
    """By code, the messages of a plan's warnings."""
    told: dict[str, list[str]] = {}
    for note in made.notes:
        if note.severity == "warning":
            told.setdefault(note.code, []).append(note.message)
    return told


def notes(made: Plan) -> list[str]:
    """The messages of a plan's notes."""
    return [note.message for note in made.notes]
