"""Three people, and how tests of the effective change speak of who gains and loses access."""

from __future__ import annotations

from desired_and_live import live, live_user, policy, user
from reconciler.config import Unlisted
from reconciler.model import Kind, Live, LiveResource
from reconciler.planning import Action, Edge, Plan, Reason, Step
from reconciler.planning.effect import AccessChange, GroupEffect, UserEffect

ADA, BOB, CYD = (live_user(f"u-{name}", f"{name}@example.com") for name in ("ada", "bob", "cyd"))
PEOPLE = [user("ada@example.com"), user("bob@example.com"), user("cyd@example.com")]
DELETING = policy(Unlisted.DEACTIVATE, Unlisted.DELETE)


def nests(*resources: LiveResource) -> Live:
    """A directory of Ada, Bob, Cyd and some groups, which may hold each other."""
    return live(ADA, BOB, CYD, *resources, nested_groups=True)


def gained(step: str, *users: str, via: tuple[str, ...] = ()) -> tuple[AccessChange, ...]:
    """The one change by which users gain a group, or lose one."""
    return (AccessChange(step=step, users=users, via=via),)


lost = gained


def of_group(made: Plan, name: str) -> GroupEffect:
    """What a plan changes of the access to a group."""
    return next(one for one in made.effect.groups if one.name == name)


def of_user(made: Plan, name: str) -> UserEffect:
    """What a plan changes of the access of a user."""
    return next(one for one in made.effect.users if one.name == name)


def edge_step(action: Action, group_id: str, *members: tuple[Kind, str | None, str]) -> Step:
    """A step on the memberships of a group; members by kind, id and name."""
    return Step(
        id=action,
        action=action,
        kind=Kind.GROUP,
        name=group_id,
        reason=Reason.DIFFERS,
        resource_id=group_id,
        members=tuple(Edge(kind=kind, id=one, name=name, reason=Reason.LISTED) for kind, one, name in members),
    )
