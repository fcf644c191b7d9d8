"""What ``directory.yaml`` says of how careful to be: ``unlisted``, ``guards``, ``protect`` and ``apply``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from reconciler.attributes import fold
from reconciler.config import ApplySettings, Guards, Limit, Protection, Unlisted
from reconciler.desired.identity import name_problem
from reconciler.desired.problems import Problems
from reconciler.desired.resources import as_text
from reconciler.desired.whole_numbers import with_whole_numbers
from reconciler.durations import parse_duration
from reconciler.model import Source

_LISTS: Final = ("users", "groups", "break_glass", "privileged")
_BY_GROUP: Final = ("min_members", "required_members")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlistedRule:
    """What happens to unlisted resources of one kind, and when.

    Attributes:
        action: what happens to them.
        after: how long they must have been unlisted before that.
        delete_after_deactivated: how long after its deactivation one is deleted; ``None`` is never.
    """

    action: Unlisted
    after: timedelta = timedelta(0)
    delete_after_deactivated: timedelta | None = None


def read_unlisted(stated: str | dict[str, Any]) -> UnlistedRule:
    """Return what ``unlisted.users`` or ``unlisted.groups`` says, valid by the schema."""
    if isinstance(stated, str):
        return UnlistedRule(action=Unlisted(stated))
    deactivate, delete = stated.get("deactivate", {}), stated.get("delete", {})
    if "after" in delete:
        return UnlistedRule(action=Unlisted.DELETE, after=parse_duration(delete["after"]))
    return UnlistedRule(
        action=Unlisted.DEACTIVATE,
        after=parse_duration(deactivate["after"]) if deactivate else timedelta(0),
        delete_after_deactivated=parse_duration(delete["after_deactivated"]) if delete else None,
    )


def read_guards(stated: Mapping[str, Any] | None) -> Guards:
    """Return the limits of a plan. A guard that is stated replaces its default as a whole."""
    return Guards(
        **{
            f"{kind}_{action}": _limit(limit)
            for kind, actions in (stated or {}).items()
            for action, limit in (actions or {}).items()
        }
    )


def read_apply(stated: Mapping[str, Any] | None) -> ApplySettings:
    """Return how plans are carried out; defaults for what is not stated."""
    settings: dict[str, Any] = with_whole_numbers(dict(stated or {}))
    if "max_failures" in settings:
        settings["max_failures"] = _limit(settings["max_failures"])
    for name in ("max_plan_age", "lock_lease"):
        if name in settings:
            settings[name] = parse_duration(settings[name])
    return ApplySettings(**settings)


def _limit(stated: Mapping[str, Any]) -> Limit:
    return Limit(**with_whole_numbers(stated))


def read_protection(stated: Mapping[str, Any] | None) -> Protection:
    """Return what is never taken away."""
    stated = stated or {}
    lists = {name: tuple(map(as_text, stated.get(name) or ())) for name in _LISTS}
    return Protection(
        **lists,
        min_members={group: int(fewest) for group, fewest in (stated.get("min_members") or {}).items()},
        required_members={
            group: tuple(map(as_text, users)) for group, users in (stated.get("required_members") or {}).items()
        },
    )


def check_protection(stated: Mapping[str, Any] | None, written: Source, problems: Problems) -> None:
    """Check the names and patterns of ``protect``: each must be usable, and name a group only once.

    Args:
        stated: valid by the schema; not all of it need be there.
        written: what ``directory.yaml`` was read from.
        problems: takes what is wrong.
    """
    stated = stated or {}
    for path, name in _names(stated):
        problem = name_problem(name)
        if problem is not None:
            origin = written.locate("protect", *path)
            problems.error("protect", f"a name or pattern in protect.{path[0]} {problem}", origin, text=name)
    for key in _BY_GROUP:
        first: dict[str, str] = {}
        for group in stated.get(key) or {}:
            other = first.setdefault(fold(group), group)
            if other != group:
                message = f"protect.{key} speaks of {other!r} already; letter case does not count"
                problems.error("protect", message, written.locate("protect", key, group), text=group)


def _names(stated: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every name and pattern of ``protect`` with its path."""
    for key in _LISTS:
        for index, name in enumerate(stated.get(key) or ()):
            yield (key, index), as_text(name)
    for key in _BY_GROUP:
        for group in stated.get(key) or {}:
            yield (key, group), group
    for group, users in (stated.get("required_members") or {}).items():
        for index, user in enumerate(users):
            yield ("required_members", group, index), as_text(user)
