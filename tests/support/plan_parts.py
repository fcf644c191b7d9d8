"""What sample plans are made of: steps, edges and headers that are always the same."""

from __future__ import annotations

import hashlib
from typing import Any

from reconciler.capabilities import Capabilities
from reconciler.model import Kind, TimerName
from reconciler.planning import Action, Edge, Plan, Reason, Step
from reconciler.planning.document import seal
from reconciler.planning.plan import FORMAT, DesiredIdentity, DirectoryIdentity, LiveCounts, Pending


def make_plan(*steps: Step, **fields: Any) -> Plan:
    """A sealed plan of some steps for the directory acme, with a header that is always the same."""
    directory = DirectoryIdentity(
        name="acme", base_url="https://scim.example.com/scim/directory/0a1b?x=1", dialect="atlassian"
    )
    desired = DesiredIdentity(
        digest="sha256:" + hashlib.sha256(b"desired").hexdigest(),
        files=3,
        commit="4f2c1e9b7a6d5c4b3a29180716253443526170ff+dirty",
    )
    plan = Plan(
        format=FORMAT,
        tool="reconciler 0.1.0",
        directory=fields.pop("directory", directory),
        desired=fields.pop("desired", desired),
        live=fields.pop("live", LiveCounts(users=1203, groups=45, memberships=8302)),
        as_of="2026-11-22T00:00:00Z",
        capabilities=Capabilities().as_json(),
        steps=steps,
        **fields,
    )
    return seal(plan)


def user_step(action: Action, name: str, reason: Reason, *, line: int = 2, **fields: Any) -> Step:
    return Step(
        id=f"{action} user:{name}",
        action=action,
        kind=Kind.USER,
        name=name,
        reason=reason,
        chunk=1,
        resource_id=fields.pop("resource_id", None if action is Action.CREATE else f"id-{name}"),
        origin=fields.pop("origin", f"users/engineering.yaml:{line}"),
        **fields,
    )


def group_step(action: Action, name: str, reason: Reason = Reason.DIFFERS, *, line: int = 2, **fields: Any) -> Step:
    return Step(
        id=fields.pop("id", f"{action} group:{name}"),
        action=action,
        kind=Kind.GROUP,
        name=name,
        reason=reason,
        chunk=2,
        resource_id=fields.pop("resource_id", None if action is Action.CREATE else f"id-{name}"),
        origin=fields.pop("origin", f"groups/platform.yaml:{line}"),
        **fields,
    )


def unlisted(name: str, kind: Kind = Kind.USER, *, since: str, until: str) -> Pending:
    """Somebody whose deactivation waits, or a group whose deletion does."""
    action = Action.DEACTIVATE if kind is Kind.USER else Action.DELETE
    timer = TimerName.UNLISTED
    return Pending(action=action, kind=kind, id=f"id-{name}", name=name, timer=timer, since=since, until=until)


def inactive(name: str, *, since: str, until: str) -> Pending:
    """Somebody whose deletion waits."""
    timer = TimerName.DEACTIVATED
    return Pending(action=Action.DELETE, kind=Kind.USER, id="id", name=name, timer=timer, since=since, until=until)


def listed(name: str, line: int = 4, **fields: Any) -> Edge:
    return Edge(name=name, reason=Reason.LISTED, origin=f"groups/platform.yaml:{line}", **fields)
