"""Plans built in code, one per thing that a rendering must show. Golden files are named after them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.capabilities import Capabilities
from reconciler.model import Kind, TimerName
from reconciler.planning import Action, Change, Edge, Note, Plan, Reason, Step, Verdict
from reconciler.planning.document import seal
from reconciler.planning.plan import FORMAT, DesiredIdentity, DirectoryIdentity, LeftOut, LiveCounts, Pending


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
        live=LiveCounts(users=1203, groups=45, memberships=8302),
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
        resource_id=None if action is Action.CREATE else f"id-{name}",
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
                    details=("~ 0.value: grace.old@example.com → grace@example.com",),
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
                Edge(name="bob@example.com", reason=Reason.MATCHED, origin="groups/platform.yaml:43"),
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
                Edge(name="mover@example.com", reason=Reason.NOT_MATCHED, origin="groups/platform.yaml:48"),
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
                        "~ 0.value: ada@example.com → ada@example.net",
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


HOSTILE = "x\x1b[2J\r\n::error::owned\u202egnp.exe\u200b\u2028##[group]\x9b31m\u3164"


def hostile() -> Plan:
    """Every text of the plan tries to break out of the layout."""
    return make_plan(
        user_step(
            Action.UPDATE,
            HOSTILE,
            Reason.DIFFERS,
            origin=HOSTILE,
            note=HOSTILE,
            correlated_by=HOSTILE,
            changes=(
                Change(path="displayName", before='quoted " \\ and ::', after=HOSTILE, origin=HOSTILE),
                Change(path=HOSTILE, before=[HOSTILE], after={HOSTILE: [HOSTILE]}, details=(HOSTILE, f"+ {HOSTILE}")),
            ),
        ),
        group_step(
            Action.ADD_MEMBERS,
            "::warning::group",
            origin="::debug::",
            members=(Edge(name="::add-mask::x", reason=Reason.NESTED, via=(HOSTILE,), origin=HOSTILE, note=HOSTILE),),
        ),
        directory=DirectoryIdentity(name=HOSTILE, base_url=f"https://user:secret@[::1]/{HOSTILE}", dialect=HOSTILE),
        desired=DesiredIdentity(digest="sha256:0", files=1, commit=HOSTILE),
        notes=(
            Note(severity="warning", code="x", message="::error::first", origin=HOSTILE),
            Note(severity="note", code="x", message=HOSTILE),
        ),
        guards=(
            Verdict(
                guard=HOSTILE,
                passed=False,
                number=1,
                limit=HOSTILE,
                subject=HOSTILE,
                resources=(HOSTILE,) * 2,
                how_to_allow="::stop-commands::x",
            ),
            Verdict(guard="users.delete", passed=True, number=1, limit="1", allowed_by=HOSTILE),
        ),
        pending=(
            Pending(
                action=Action.DELETE,
                kind=Kind.USER,
                id=HOSTILE,
                name=HOSTILE,
                timer=TimerName.UNLISTED,
                since=HOSTILE,
                until=HOSTILE,
            ),
        ),
        left_out=(LeftOut(step=HOSTILE, why=HOSTILE), LeftOut(step="::error::x", why="only", members=2)),
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


SAMPLES: Mapping[str, Callable[[], Plan]] = {
    sample.__name__: sample
    for sample in (
        empty,
        tiny,
        every_kind,
        replacement,
        waiting,
        waiting_and_left_out,
        remarks,
        refused,
        hostile,
        many_members,
        long_values,
    )
}
