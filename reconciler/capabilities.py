"""What a service provider can do, as one value that planning and applying read.

Filled by :mod:`reconciler.scim.discovery` from, in order of authority: the dialect, the server's
``/ServiceProviderConfig``, a safe default. Every field's default is the safe one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from reconciler.attributes import fold


class UserDelete(StrEnum):
    """What ``DELETE /Users/{id}`` really does."""

    HARD = "hard"
    UNLINK = "unlink"
    """The SCIM record goes and the account is deactivated; a new record gets a new id (Atlassian)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a service provider can do.

    Attributes:
        page_size: users asked for per page of a listing.
        group_page_size: groups asked for per page of a listing. Groups come with all their members.
        patch_users: whether ``PATCH /Users/{id}`` works; PUT is used where it does not.
        patch_groups: whether ``PATCH /Groups/{id}`` works.
        max_members_per_patch: membership edges added in one PATCH.
        max_operations_per_patch: operations in one PATCH. Each removed member is an operation of its own.
        group_rename: whether a group's ``displayName`` can change. Where not, a rename is planned as a replacement.
        nested_groups: whether a group can be a member of a group. Where not, nesting is flattened.
        user_delete: what DELETE of a user does.
        unique_names: kinds for which the server refuses a second resource of the same name.
        reserved_groups: patterns (:mod:`fnmatch`, case folded) of groups that the server keeps itself: never touched.
        members_returned: whether a group comes with its members. Where not, membership is unknown, never empty.
    """

    page_size: int = 100
    group_page_size: int = 100
    patch_users: bool = True
    patch_groups: bool = True
    max_members_per_patch: int = 1000
    max_operations_per_patch: int = 100
    group_rename: bool = True
    nested_groups: bool = False
    user_delete: UserDelete = UserDelete.HARD
    unique_names: tuple[str, ...] = ("User",)
    reserved_groups: tuple[str, ...] = ()
    members_returned: bool = True

    def reserves(self, display_name: str) -> bool:
        """Tell whether a group of this name is kept by the server itself."""
        name = fold(display_name)
        return any(fnmatchcase(name, fold(pattern)) for pattern in self.reserved_groups)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form that plans carry."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in sorted(asdict(self).items())
        }
