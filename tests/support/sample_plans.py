"""Plans built in code, one per thing that a rendering must show. Golden files are named after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from access_plans import RULE, adoption, nested_access, since, unknown_access
from foreign_plans import ATTACKS, EVERY_PLANE, HOSTILE, every_plane, hostile, saturated
from large_plans import long_values, many_members, ten_thousand
from plan_parts import group_step, inactive, listed, make_plan, unlisted, user_step
from reconciler.model import Kind
from reconciler.planning import Action, Change, Edge, Note, Plan, Reason, Verdict
from reconciler.planning.plan import LeftOut

__all__ = [
    "ALL",
    "ATTACKS",
    "EVERY_PLANE",
    "HOSTILE",
    "RULE",
    "SAMPLES",
    "adoption",
    "empty",
    "every_kind",
    "every_plane",
    "group_step",
    "hostile",
    "inactive",
    "listed",
    "long_values",
    "make_plan",
    "many_members",
    "nested_access",
    "refused",
    "remarks",
    "replacement",
    "saturated",
    "since",
    "ten_thousand",
    "tiny",
    "unknown_access",
    "unlisted",
    "user_step",
    "waiting",
    "waiting_and_left_out",
]


def empty() -> Plan:
    """Nothing to do, and what was left alone is told."""
    return make_plan(notes=(Note(severity="note", code="left-alone", message="left alone: 7 users outside the scope"),))


def tiny() -> Plan:
    """One joiner in one group."""
    return make_plan(
        user_step(
            Action.CREATE,
            "ada@example.com",
            Reason.NOT_IN_DIRECTORY,
            changes=(
                Change(path="userName", after="ada@example.com", identity=True),
                Change(path="name.givenName", after="Ada"),
                Change(path="active", after=True),
                Change(path="emails", after=[{"value": "ada@example.com", "type": "work", "primary": True}]),
            ),
        ),
        group_step(Action.ADD_MEMBERS, "team-platform", members=(listed("ada@example.com"),)),
    )


def every_kind() -> Plan:
    """Every action, every reason, with identity changes, details, notes of authors and warnings."""
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    return make_plan(
        tiny().steps[0],
        user_step(
            Action.UPDATE,
            "grace.old@example.com",
            Reason.RENAMED,
            line=9,
            correlated_by="previously",
            note="OPS-1234",
            changes=(
                Change(
                    path="userName",
                    before="grace.old@example.com",
                    after="grace@example.com",
                    identity=True,
                    origin="users/engineering.yaml:9",
                ),
                Change(path="title", before="Engineer", after="Principal Engineer", origin="users/engineering.yaml:11"),
                Change(path=f"{enterprise}:department", after="Platform", origin="users/engineering.yaml:12"),
                Change(path="nickName", before="Amazing", after=None, origin="users/engineering.yaml:13"),
                Change(
                    path="emails",
                    before=[{"value": "grace.old@example.com"}],
                    after=[{"value": "grace@example.com"}],
                    identity=True,
                    details=("~ work: grace.old@example.com → grace@example.com",),
                    origin="users/engineering.yaml:14",
                ),
            ),
        ),
        user_step(
            Action.UPDATE,
            "linus@example.com",
            Reason.ADOPTED,
            line=20,
            correlated_by="userName",
            changes=(Change(path="externalId", after="1007", identity=True, origin="users/engineering.yaml:21"),),
        ),
        user_step(
            Action.REACTIVATE,
            "kay@example.com",
            Reason.INACTIVE,
            line=30,
            correlated_by="externalId",
            changes=(Change(path="active", before=False, after=True, origin="users/engineering.yaml:30"),),
        ),
        group_step(
            Action.CREATE,
            "team-oncall",
            Reason.NOT_IN_DIRECTORY,
            line=30,
            changes=(Change(path="displayName", after="team-oncall", identity=True),),
        ),
        group_step(
            Action.UPDATE,
            "Sales (EMEA)",
            line=40,
            changes=(Change(path="externalId", before="g-1", after="g-2", identity=True),),
        ),
        group_step(
            Action.ADD_MEMBERS,
            "Sales (EMEA)",
            members=(
                listed("grace@example.com", 42, note="incident lead, OPS-1234"),
                Edge(name="bob@example.com", reason=Reason.MATCHED, origin="groups/platform.yaml:43", rule=RULE),
                Edge(
                    name="eve@example.com",
                    reason=Reason.NESTED,
                    via=("team-core", "Core (all)"),
                    origin="groups/platform.yaml:44",
                ),
                listed("team-core", 45, kind=Kind.GROUP),
            ),
        ),
        group_step(Action.ADD_MEMBERS, "team-oncall", resource_id=None, members=(listed("ada@example.com", 31),)),
        group_step(
            Action.REMOVE_MEMBERS,
            "Sales (EMEA)",
            members=(
                Edge(name="old@example.com", reason=Reason.NOT_LISTED, origin="groups/platform.yaml:41"),
                Edge(name="temp@example.com", reason=Reason.EXPIRED, origin="groups/platform.yaml:46", note="OPS-9"),
                Edge(name="early@example.com", reason=Reason.NOT_STARTED, origin="groups/platform.yaml:47"),
                Edge(name="mover@example.com", reason=Reason.NOT_MATCHED, origin="groups/platform.yaml:48", rule=RULE),
            ),
        ),
        user_step(Action.DEACTIVATE, "leaver@example.com", Reason.UNLISTED, origin=None),
        user_step(Action.DEACTIVATE, "contractor@example.com", Reason.EXPIRED, line=50, note="contract ended"),
        user_step(Action.DEACTIVATE, "parked@example.com", Reason.STATED_INACTIVE, line=60),
        group_step(Action.DELETE, "team-gone", Reason.UNLISTED, origin=None),
        user_step(Action.DELETE, "purged@example.com", Reason.UNLISTED, origin=None),
        notes=(
            Note(severity="note", code="left-alone", message="left alone: 3 users outside the scope"),
            Note(
                severity="warning",
                code="members-unknown",
                message="the directory does not tell who is in group:team-x",
                origin="groups/platform.yaml:70",
            ),
        ),
    )


def replacement() -> Plan:
    """A group rename that the directory cannot do."""
    return make_plan(
        group_step(
            Action.CREATE,
            "team-platform",
            Reason.REPLACED,
            replaces="team-infra",
            changes=(Change(path="displayName", after="team-platform", identity=True),),
        ),
        group_step(
            Action.ADD_MEMBERS,
            "team-platform",
            resource_id=None,
            members=(
                listed("ada@example.com"),
                Edge(name="guest@example.net", reason=Reason.CARRIED_OVER, origin="groups/platform.yaml:2"),
            ),
        ),
        group_step(Action.DELETE, "team-infra", Reason.REPLACED, replaces="team-platform", origin=None),
        notes=(
            Note(
                severity="warning",
                code="replaced-group",
                message="the directory cannot rename groups: group:team-platform replaces group:team-infra, "
                "which this plan deletes. Product access that was granted to the old group has to be granted to the "
                "new one by a person",
                origin="groups/platform.yaml:2",
            ),
        ),
    )


def waiting() -> Plan:
    """Nothing to do but for a person, who has to grant product access before the old group goes."""
    return make_plan(
        notes=(
            Note(
                severity="warning",
                code="replacement-waits",
                message="the directory cannot rename groups: group:team-platform has taken the place of "
                "group:team-infra, which stays until a person has granted its product access to the new group. To go "
                "on after that: reconciler apply --confirm-replace",
                origin="groups/platform.yaml:2",
            ),
        )
    )


def remarks() -> Plan:
    """Changes with remarks on their values, and what the directory did not keep."""
    return make_plan(
        user_step(
            Action.UPDATE,
            "ada@example.com",
            Reason.DIFFERS,
            changes=(
                Change(
                    path="title",
                    before="Principal Engineer",
                    after="Principal  Engineer",
                    details=("! differs in white space only, and the directory may store it so whatever is written",),
                    origin="users/engineering.yaml:4",
                ),
                Change(
                    path="emails",
                    before=[{"value": "ada@example.com", "primary": True}],
                    after=[{"value": "ada@example.net", "primary": True}],
                    identity=True,
                    details=(
                        "~ work: ada@example.com → ada@example.net",
                        "! leaves the verified domains: the directory unlinks the account and drops its memberships, "
                        "and SCIM does not show it",
                    ),
                    origin="users/engineering.yaml:5",
                ),
            ),
        ),
        notes=(
            Note(
                severity="warning",
                code="not-kept",
                message='the directory does not keep timezone "Europe/Berlin" (user:ada@example.com, and so for 12 '
                "other users): stop managing it. It is not written again",
                origin="users/engineering.yaml:6",
            ),
        ),
    )


def refused() -> Plan:
    """Every guard says no, and one was lifted."""
    leavers = [user_step(Action.DEACTIVATE, f"p{n:02}@example.com", Reason.UNLISTED, origin=None) for n in range(30)]
    addresses = tuple(step.address for step in leavers)
    return make_plan(
        *leavers,
        group_step(Action.DELETE, "team-gone", Reason.UNLISTED, origin=None),
        guards=(
            Verdict(
                guard="users.deactivate",
                passed=False,
                number=30,
                limit="20 and 5 % of 400 = 20",
                resources=addresses[:20],
                how_to_allow='--allow users.deactivate=30 --reason "…"',
            ),
            Verdict(guard="users.delete", passed=True, number=0, limit="0"),
            Verdict(
                guard="groups.delete",
                passed=True,
                number=1,
                limit="1",
                resources=("group:team-gone",),
                allowed_by="OPS-77: closed",
                how_to_allow='--allow groups.delete=1 --reason "…"',
            ),
            Verdict(
                guard="members.remove",
                passed=False,
                number=3,
                limit="25 % of 4 = 1",
                subject="group:team-platform",
                resources=("user:a@example.com", "user:b@example.com", "user:c@example.com"),
                how_to_allow='--allow members.remove=3 --reason "…"',
            ),
            Verdict(
                guard="protected",
                passed=False,
                number=1,
                limit="0",
                subject="user:p01@example.com",
                resources=("user:p01@example.com",),
                how_to_allow="remove `protected: true` at users/engineering.yaml:7",
            ),
            Verdict(
                guard="min_members",
                passed=False,
                number=0,
                limit="at least 1",
                subject="group:team-core",
                how_to_allow="lower `min_members` at groups/platform.yaml:9",
            ),
        ),
    )


def waiting_and_left_out() -> Plan:
    """What is pending, due and left out, by every cause."""

    seen, later = "2026-11-22T00:00:00Z", "2026-12-22T06:30:00Z"
    return make_plan(
        user_step(Action.CREATE, "new@example.com", Reason.NOT_IN_DIRECTORY),
        only=('users[department eq "Platform"]', "group:team-core"),
        exclude=("user:boss@example.com",),
        pending=(
            unlisted("ada@example.com", since=seen, until="2026-11-29T00:00:00Z"),
            unlisted("due@example.com", since="2026-11-11T09:00:00Z", until=seen),
            unlisted("Team (old)", Kind.GROUP, since=seen, until="2026-11-29T06:05:00Z"),
            inactive("gone@example.com", since="2026-10-01T12:00:00Z", until=later),
            *(inactive(f"z{number:02}@example.com", since=seen, until=later) for number in range(20)),
        ),
        left_out=(
            LeftOut(step="create user:bob@example.com", why="only"),
            LeftOut(step="deactivate user:due@example.com", why="auto_approve"),
            LeftOut(step="create group:team-new", why="only"),
            LeftOut(step="add_members group:team-new", why="needs “create group:team-new”"),
            LeftOut(step="add_members group:team-core", why="exclude", members=1),
            LeftOut(step="add_members group:team-core", why="needs “create user:bob@example.com”", members=3),
        ),
    )


SAMPLES: Mapping[str, Callable[[], Plan]] = {
    sample.__name__: sample
    for sample in (
        empty,
        tiny,
        every_kind,
        replacement,
        adoption,
        waiting,
        waiting_and_left_out,
        remarks,
        refused,
        hostile,
        every_plane,
        many_members,
        long_values,
        nested_access,
        unknown_access,
        since,
    )
}
"""Plans that are cheap enough for tests of every plan with every other."""

ALL: Mapping[str, Callable[[], Plan]] = {**SAMPLES, "ten_thousand": ten_thousand}
"""The golden plans of every rendering."""
