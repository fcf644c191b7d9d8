"""The words of a plan: what a step does, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """Everything that a step can do. The order is the order of a plan: access is granted before it is taken."""

    CREATE = "create"
    UPDATE = "update"
    REACTIVATE = "reactivate"
    ADD_MEMBERS = "add_members"
    REMOVE_MEMBERS = "remove_members"
    DEACTIVATE = "deactivate"
    DELETE = "delete"


MEMBERSHIP_ACTIONS: Final = frozenset({Action.ADD_MEMBERS, Action.REMOVE_MEMBERS})
"""What changes who is in a group, and nothing of the group itself."""


class Reason(StrEnum):
    """Why a step or a membership change is in the plan. It explains and never drives behaviour."""

    NOT_IN_DIRECTORY = "not_in_directory"
    """Listed, and the directory has no such resource."""
    DIFFERS = "differs"
    """Listed, and managed attributes differ."""
    ADOPTED = "adopted"
    """Listed, found by name, and linked by writing its externalId for the first time."""
    RENAMED = "renamed"
    """Listed under a name that the directory does not know yet; found by id, externalId or a previous name."""
    REPLACED = "replaced"
    """A rename that the directory cannot do: the new group takes over and the old one goes."""
    INACTIVE = "inactive"
    """Listed as active, and the directory holds the account as inactive."""
    STATED_INACTIVE = "stated_inactive"
    """Listed with ``active: false``."""
    UNLISTED = "unlisted"
    """In scope, and no file lists it: the ``unlisted`` policy."""
    EXPIRED = "expired"
    """Its ``until`` has passed."""
    NOT_STARTED = "not_started"
    """Its ``from`` has not come."""
    LISTED = "listed"
    """A membership that a ``members`` list states."""
    MATCHED = "matched"
    """A membership that the group's ``match`` filter gives."""
    NESTED = "nested"
    """A membership that comes through a group listed as a member."""
    CARRIED_OVER = "carried_over"
    """A membership of a replaced group whose members no file states."""
    NOT_LISTED = "not_listed"
    """A membership that the directory has and the ``members`` list has not."""
    NOT_MATCHED = "not_matched"
    """A membership that the directory has and the ``match`` filter does not give."""
    UNDONE = "undone"
    """Returned to what it was before the run that the plan undoes."""


CHANGE_KINDS: Final = (
    "users.create",
    "users.update",
    "users.reactivate",
    "users.deactivate",
    "users.delete",
    "groups.create",
    "groups.update",
    "groups.delete",
    "members.add",
    "members.remove",
    "identity.change",
)
"""Every kind of change, as ``auto_approve`` and guards name them.

Reactivations have a kind of their own here, although limits count them as updates: somebody may have switched off an
account by hand because it was stolen.
"""
