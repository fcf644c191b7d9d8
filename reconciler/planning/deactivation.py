"""What a directory makes of accounts that are switched off: rewritten ones (GitHub EMU), and deleted ones that stay."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.attributes import Path
from reconciler.capabilities import UserDelete
from reconciler.model import DesiredUser, LiveUser
from reconciler.planning.context import Context
from reconciler.planning.plan import Note


class Rewritten:
    """Knows the attributes that a deactivation rewrites, and counts where they are left as they are."""

    def __init__(self, context: Context) -> None:
        self._capabilities = context.capabilities
        self._left: set[str] = set()
        self._users: set[str] = set()
        self._not_found_again = 0

    def covers(self, path: Path) -> bool:
        """Tell whether a deactivation rewrites the value at a path."""
        return self._capabilities.rewrites(str(path))

    def leave(self, live: LiveUser, path: Path) -> bool:
        """Tell whether a difference of an account that is off and stays so is the deactivation's work, and count it."""
        covered = self.covers(path)
        if covered:
            self._left.add(str(path))
            self._users.add(live.id)
        return covered

    def deactivated(self, live: LiveUser, desired: DesiredUser | None = None) -> None:
        """Count an account that no line of the files finds again once it is off and its name rewritten."""
        known = live.external_id or (desired and (desired.external_id or desired.id))
        if not known and self.covers(Path("userName")):
            self._not_found_again += 1

    def notes(self) -> Iterator[Note]:
        """Yield what was left as it is, and who would not be found again."""
        if self._left:
            yield Note(
                severity="note",
                code="rewritten",
                message=f"{', '.join(sorted(self._left))}: the directory rewrites this when it deactivates an account; "
                f"left as it is for {_counted(len(self._users), 'inactive user')}, and written when they are "
                "reactivated",
            )
        if self._not_found_again:
            yield Note(
                severity="warning",
                code="no-external-id",
                message=f"the directory rewrites userName when it deactivates an account, and "
                f"{_counted(self._not_found_again, 'user')} to deactivate have no externalId: nothing will tell who "
                "they were, and they cannot be reactivated by these files. Give them one first",
            )


class Deleted:
    """Counts users who are as good as deleted: the directory keeps deleted ones, inactive."""

    def __init__(self, context: Context) -> None:
        self._declared = context.capabilities.user_delete is UserDelete.SOFT
        self._users: list[LiveUser] = []

    def add(self, live: LiveUser) -> None:
        """Count a user who is not deleted again."""
        self._users.append(live)

    def notes(self) -> Iterator[Note]:
        """Yield that they stay, and what to write down where nobody has said so before."""
        if not self._users:
            return
        first, others = min(user.address for user in self._users), len(self._users) - 1
        who = f"{first} and {_counted(others, 'other user')}" if others else first
        advice = "" if self._declared else ". State `user_delete: soft` under `capabilities` in directory.yaml"
        yield Note(
            severity="note" if self._declared else "warning",
            code="deleted-and-kept",
            message=f"the directory keeps deleted users as inactive ones: {who} cannot be deleted any further{advice}",
        )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
