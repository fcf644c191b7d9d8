"""Accounts whose attributes the directory itself rewrites when it switches them off (GitHub EMU rewrites the name)."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.attributes import Path, fold
from reconciler.model import DesiredUser, LiveUser
from reconciler.planning.context import Context
from reconciler.planning.plan import Note


class Rewritten:
    """Knows the attributes that a deactivation rewrites, and counts where they are left as they are."""

    def __init__(self, context: Context) -> None:
        self._paths = {fold(name.removeprefix("User.")): name for name in context.capabilities.deactivation_mutates}
        self._left: set[str] = set()
        self._users: set[str] = set()
        self._not_found_again = 0

    def covers(self, path: Path) -> bool:
        """Tell whether a deactivation rewrites the value at a path."""
        return bool(self._paths) and (fold(str(path)) in self._paths or fold(path.name) in self._paths)

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


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
