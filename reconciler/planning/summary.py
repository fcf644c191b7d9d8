"""The last line of a plan: a public interface that programs read."""

from __future__ import annotations

import msgspec


class Summary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers of a plan's last line, counted from its steps.

    Attributes:
        create: users and groups to create.
        update: users and groups to change; reactivations are among them.
        deactivate: users to deactivate.
        delete: users and groups to delete.
        add_members: memberships to add.
        remove_members: memberships to remove.
    """

    create: int = 0
    update: int = 0
    deactivate: int = 0
    delete: int = 0
    add_members: int = 0
    remove_members: int = 0

    def __str__(self) -> str:
        if self == Summary():
            return "No changes. The directory matches the desired state."
        return self.in_numbers

    @property
    def in_numbers(self) -> str:
        """The last line of a plan with its numbers, also where all of them are 0."""
        return (
            f"Plan: {self.create} to create, {self.update} to update, {self.deactivate} to deactivate, "
            f"{self.delete} to delete; {self.add_members} memberships to add, {self.remove_members} to remove."
        )


class PartialSummary(Summary, frozen=True):
    """The numbers of a plan that is not all that separates the directory from the files: 0 says not that they agree."""

    def __str__(self) -> str:
        return self.in_numbers
