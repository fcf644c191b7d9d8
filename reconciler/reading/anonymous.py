"""Groups whose members carry no id: named by userName, or shown by nothing but a display name.

RFC 7643 §4.2 wants the id in ``value``. Taken by the letter, members under other names would be strangers whom no file
lists and nobody removes, and everybody listed would be added again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from reconciler.attributes import fold
from reconciler.capabilities import MembersRead
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model import LiveGroup, LiveUser
from reconciler.reading.by_filter import tells_groups


def another_way(groups: Sequence[LiveGroup], users: Sequence[LiveUser]) -> tuple[MembersRead, Diagnostic] | None:
    """Return how memberships are read where a listing names nobody by id, and why; ``None`` where it does.

    Users who tell their groups are believed. Where they do not, the members are unknown, which costs removals but
    nobody a membership.

    Args:
        groups: as they were listed, with members.
        users: all users of the directory.
    """
    known = {resource.id for resource in chain(users, groups)}
    if any(member in known for group in groups for member in group.members or ()):
        return None
    named = _named_otherwise(groups, users)
    if named is None:
        return None
    if tells_groups(users):
        what, way = "What users say of their own groups is used instead", MembersRead.USER_GROUPS
    else:
        what, way = "Who is in which group is not known", MembersRead.NONE
    return way, Diagnostic(
        code="anonymous-members",
        message=f"groups name their members {named}, and not by their ids as RFC 7643 §4.2 wants it. {what}",
        severity=Severity.WARNING,
    )


def _named_otherwise(groups: Iterable[LiveGroup], users: Iterable[LiveUser]) -> str | None:
    names = {fold(user.name) for user in users}
    if any(fold(member) in names for group in groups for member in group.members or ()):
        return "by userName"
    return "by nothing that tells who they are" if any(group.members is None for group in groups) else None
