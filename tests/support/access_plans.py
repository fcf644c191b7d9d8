"""Plans that tell who really gains and loses access, and one that is confined to a change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from plan_parts import group_step, listed, make_plan, user_step
from reconciler.model import Kind
from reconciler.planning import Action, Change, Edge, Plan, Reason
from reconciler.planning.effect import AccessChange, Effect, GroupEffect, UserEffect
from reconciler.planning.plan import Since

RULE = 'department eq "Platform" and active eq true'


def effect(
    *groups: GroupEffect,
    kept: Mapping[str, tuple[str, ...]] | None = None,
    unknown: tuple[str, ...] = (),
    created: Collection[str] = (),
) -> Effect:
    """The effect of some changes of groups, with what follows of it for the people.

    Args:
        groups: what changes, in any order.
        kept: the groups that people keep; nobody keeps any unless stated.
        unknown: groups of which is not known who is in them: of nobody it is known then in how many groups they are.
        created: people whom the plan creates.
    """
    gained, lost = _by_person(groups, gains=True), _by_person(groups, gains=False)
    users = []
    for name in sorted({*gained, *lost}):
        keeps = () if kept is None else kept.get(name, ())
        users.append(
            UserEffect(
                name=name,
                id=None if name in created else f"id-{name}",
                before=None if unknown else len(keeps) + lost[name],
                after=None if unknown else len(keeps) + gained[name],
                kept=keeps,
            )
        )
    return Effect(groups=tuple(sorted(groups, key=lambda group: group.name)), users=tuple(users), unknown=unknown)


def _by_person(groups: Iterable[GroupEffect], *, gains: bool) -> dict[str, int]:
    """In how many groups more, or less, each person is."""
    found: dict[str, int] = defaultdict(int)
    for group in groups:
        for name in {user for change in (group.gained if gains else group.lost) for user in change.users}:
            found[name] += 1
    return found


def nested_access() -> Plan:
    """A group deleted with 212 people in it, groups put into groups, a rule, a leaver, a privileged group."""
    everybody = tuple(f"p{n:03}@example.com" for n in range(212))
    core = ("dan@example.com", "eve@example.com", "fay@example.com")
    kept = dict.fromkeys((*everybody[3:], *core, "bob@example.com"), ("team-all",))
    return make_plan(
        user_step(
            Action.CREATE,
            "new@example.com",
            Reason.NOT_IN_DIRECTORY,
            changes=(Change(path="userName", after="new@example.com", identity=True),),
        ),
        group_step(
            Action.ADD_MEMBERS,
            "team-admins",
            privileged=True,
            members=(Edge(name="eve@example.com", id="id-eve@example.com", reason=Reason.NESTED, via=("team-core",)),),
        ),
        group_step(
            Action.ADD_MEMBERS,
            "team-engineering",
            members=(
                Edge(
                    name="bob@example.com",
                    id="id-bob@example.com",
                    reason=Reason.MATCHED,
                    origin="groups/platform.yaml:20",
                    rule=RULE,
                ),
            ),
        ),
        group_step(
            Action.ADD_MEMBERS,
            "team-platform",
            members=(
                listed("new@example.com", 5),
                listed("team-core", 6, kind=Kind.GROUP, id="id-team-core", note="on call together, OPS-12"),
            ),
        ),
        group_step(
            Action.REMOVE_MEMBERS,
            "team-engineering",
            members=(
                Edge(
                    name="bob.mover@example.com",
                    id="id-bob.mover@example.com",
                    reason=Reason.NOT_MATCHED,
                    origin="groups/platform.yaml:20",
                    rule=RULE,
                ),
            ),
        ),
        user_step(Action.DEACTIVATE, "kay@example.com", Reason.EXPIRED, line=50, note="contract ended"),
        group_step(Action.DELETE, "team-x", Reason.UNLISTED, origin=None),
        effect=effect(
            GroupEffect(
                name="team-x",
                id="id-team-x",
                before=212,
                after=0,
                lost=(AccessChange(step="delete group:team-x", users=everybody),),
            ),
            GroupEffect(
                name="team-platform",
                id="id-team-platform",
                before=10,
                after=13,
                gained=(
                    AccessChange(step="add_members group:team-platform", users=core, via=("team-core",)),
                    AccessChange(step="add_members group:team-platform", users=("new@example.com",)),
                ),
                lost=(AccessChange(step="deactivate user:kay@example.com", users=("kay@example.com",)),),
                kept=tuple(f"k{n}@example.com" for n in range(9)),
            ),
            GroupEffect(
                name="team-engineering",
                id="id-team-engineering",
                before=1,
                after=1,
                gained=(AccessChange(step="add_members group:team-engineering", users=("bob@example.com",)),),
                lost=(AccessChange(step="remove_members group:team-engineering", users=("bob.mover@example.com",)),),
            ),
            GroupEffect(
                name="team-admins",
                id="id-team-admins",
                before=4,
                after=5,
                gained=(
                    AccessChange(step="add_members group:team-admins", users=("eve@example.com",), via=("team-core",)),
                ),
            ),
            kept=kept,
            created=("new@example.com",),
        ),
    )


def unknown_access() -> Plan:
    """A group of which the directory does not tell who is in it, and one that is put into it."""
    return make_plan(
        group_step(Action.ADD_MEMBERS, "team-secret", members=(listed("ada@example.com"),)),
        group_step(Action.DELETE, "team-closed", Reason.UNLISTED, origin=None),
        effect=effect(
            GroupEffect(
                name="team-secret",
                id="id-team-secret",
                gained=(AccessChange(step="add_members group:team-secret", users=("ada@example.com",)),),
            ),
            unknown=("team-closed", "team-secret"),
        ),
    )


def since() -> Plan:
    """A plan that is confined to a change of the files: it does not know in how many groups people are."""
    return make_plan(
        group_step(
            Action.ADD_MEMBERS,
            "team-platform",
            members=(listed("ada@example.com", id="id-ada@example.com"), listed("grace@example.com", 5)),
        ),
        since=Since(ref="origin/main", commit="9f2c1e9b7a6d5c4b3a29180716253443526170ff", users=2, groups=1),
        effect=Effect(
            groups=(
                GroupEffect(
                    name="team-platform",
                    id="id-team-platform",
                    before=7,
                    after=9,
                    gained=(
                        AccessChange(
                            step="add_members group:team-platform", users=("ada@example.com", "grace@example.com")
                        ),
                    ),
                ),
            ),
            users=(
                UserEffect(name="ada@example.com", id="id-ada@example.com"),
                UserEffect(name="grace@example.com", id="id-grace@example.com"),
            ),
        ),
    )


def adoption() -> Plan:
    """Resources that were there before the files, linked by writing their externalId for the first time."""
    return make_plan(
        *(
            user_step(
                Action.UPDATE,
                f"{name}@example.com",
                Reason.ADOPTED,
                line=line,
                changes=(
                    Change(path="externalId", after=str(line), identity=True, origin=f"users/engineering.yaml:{line}"),
                    *((Change(path="title", before="Enginer", after="Engineer"),) if name == "bob" else ()),
                ),
            )
            for line, name in enumerate(("ada", "bob", "kay"), start=3)
        ),
        group_step(
            Action.UPDATE,
            "team-platform",
            Reason.ADOPTED,
            changes=(Change(path="externalId", after="g-1", identity=True),),
        ),
    )
