"""Plans with more in them than anybody wants to read: many members, long values, 10,000 steps."""

from __future__ import annotations

from access_plans import effect
from plan_parts import group_step, listed, make_plan, user_step
from reconciler.model import Kind
from reconciler.planning import Action, Change, Edge, Plan, Reason, Step
from reconciler.planning.effect import AccessChange, GroupEffect
from reconciler.planning.plan import LiveCounts


def many_members() -> Plan:
    """More memberships than anybody wants to read, in several batches."""
    additions = [listed(f"new{n:03}@example.com", n + 4) for n in range(60)]
    removals = [Edge(name=f"old{n:02}@example.com", reason=Reason.NOT_LISTED) for n in range(4)]
    return make_plan(
        *(
            group_step(
                Action.ADD_MEMBERS,
                "team-all",
                id=f"add_members group:team-all {part + 1}/3",
                members=tuple(additions[part * 25 : (part + 1) * 25]),
            )
            for part in range(3)
        ),
        group_step(Action.REMOVE_MEMBERS, "team-all", members=tuple(removals)),
    )


def crowd(size: int) -> Plan:
    """A group that gets as many members as that, and a group with as many more people inside of it."""
    direct, inside = (tuple(f"{place}{n:04}@example.com" for n in range(size)) for place in ("as", "in"))
    members = (*map(listed, direct), listed("team-core", kind=Kind.GROUP, id="id-team-core"))
    step = group_step(Action.ADD_MEMBERS, "team-x", members=members)
    gained = (
        AccessChange(step=step.id, users=inside, via=("team-core",)),
        AccessChange(step=step.id, users=direct),
    )
    return make_plan(
        step, effect=effect(GroupEffect(name="team-x", id="id-team-x", before=0, after=2 * size, gained=gained))
    )


def long_values() -> Plan:
    """Values that do not fit a line: cut where they are equal, so that the difference is seen."""
    before = "The quick brown fox jumps over the lazy dog. " * 6
    return make_plan(
        user_step(
            Action.UPDATE,
            "ada@example.com",
            Reason.DIFFERS,
            changes=(
                Change(path="title", before=before, after=before.replace("dog. The", "cat. The", 1)),
                Change(path="displayName", before="界" * 10, after="Ada"),
                Change(path="roles", after=[{"value": f"role-{n}"} for n in range(40)]),
                Change(path="profileUrl", after="https://example.com/" + "a" * 300),
            ),
        )
    )


def ten_thousand() -> Plan:
    """A plan of exactly 10,000 steps of every kind, as large directories have them on a bad day."""
    joiners = [f"joiner{n:04}@example.com" for n in range(3_500)]
    changed = [f"changed{n:04}@example.com" for n in range(2_500)]
    leavers = [f"leaver{n:04}@example.com" for n in range(1_500)]
    growing = [f"team-{n:04}" for n in range(2_000)]
    closing = [f"closed-{n:03}" for n in range(300)]
    purged = [f"purged{n:03}@example.com" for n in range(200)]
    plan = make_plan(
        *(_joins(name, line) for line, name in enumerate(joiners, start=2)),
        *(_changes(name, line) for line, name in enumerate(changed, start=2)),
        *(
            group_step(
                Action.ADD_MEMBERS,
                team,
                line=n + 2,
                privileged=n % 500 == 0,
                members=tuple(listed(joiners[(n * 7 + i) % len(joiners)], n + 3) for i in range(3)),
            )
            for n, team in enumerate(growing)
        ),
        *(user_step(Action.DEACTIVATE, name, Reason.UNLISTED, origin=None) for name in leavers),
        *(group_step(Action.DELETE, team, Reason.UNLISTED, origin=None) for team in closing),
        *(user_step(Action.DELETE, name, Reason.UNLISTED, origin=None) for name in purged),
        live=LiveCounts(users=100_000, groups=5_000, memberships=1_000_000),
        effect=effect(
            *(
                GroupEffect(
                    name=team,
                    id=f"id-{team}",
                    before=20,
                    after=22 if n < len(leavers) else 23,
                    gained=(
                        AccessChange(
                            step=f"add_members group:{team}",
                            users=tuple(sorted(joiners[(n * 7 + i) % len(joiners)] for i in range(3))),
                        ),
                    ),
                    lost=(AccessChange(step=f"deactivate user:{leavers[n]}", users=(leavers[n],)),)
                    if n < len(leavers)
                    else (),
                )
                for n, team in enumerate(growing)
            ),
            *(
                GroupEffect(
                    name=team,
                    id=f"id-{team}",
                    before=20,
                    after=0,
                    lost=(
                        AccessChange(
                            step=f"delete group:{team}",
                            users=tuple(sorted(changed[(n * 20 + i) % len(changed)] for i in range(20))),
                        ),
                    ),
                )
                for n, team in enumerate(closing)
            ),
            kept=dict.fromkeys(changed[50:], ("team-all",)),
        ),
    )
    assert len(plan.steps) == 10_000
    return plan


def _joins(name: str, line: int) -> Step:
    return user_step(
        Action.CREATE,
        name,
        Reason.NOT_IN_DIRECTORY,
        line=line,
        changes=(
            Change(path="userName", after=name, identity=True),
            Change(path="active", after=True),
            Change(path="emails", after=[{"value": name, "type": "work", "primary": True}]),
        ),
    )


def _changes(name: str, line: int) -> Step:
    origin = f"users/engineering.yaml:{line}"
    renamed = line % 100 == 0
    return user_step(
        Action.UPDATE,
        name,
        Reason.DIFFERS,
        line=line,
        changes=(
            Change(path="title", before="Engineer", after="Principal Engineer", origin=origin),
            *((Change(path="externalId", before="1", after="2", identity=True, origin=origin),) if renamed else ()),
        ),
    )
