"""Groups of which the directory does not tell who is in them: what is added to them, and whom nobody can remove."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from reconciler.attributes import fold
from reconciler.model import DesiredUser, Kind, Validity, utc
from reconciler.planning.context import Context
from reconciler.planning.groups import Target
from reconciler.planning.plan import Reason
from reconciler.planning.roster import Roster, Seat

_NAMED = 5
"""How many groups the warning names."""


class Unverified:
    """Collects what a plan cannot know about memberships."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._groups: list[Target] = []
        self._additions = 0

    def add(self, target: Target, address: str, roster: Roster) -> None:
        """Take in a group whose members are unknown, and refuse by name each removal that its lines ask for."""
        self._groups.append(target)
        self._additions += len(roster.seats)
        for seat in roster.vacated.values():
            edge = seat.edge()
            self._context.findings.warn(
                "cannot-remove",
                f"cannot remove {edge.name} ({self._lapse(seat)}): the directory does not tell who is in {address}. "
                "Remove the membership in the directory itself, and the line from the file",
                edge.origin,
            )

    def tell(self) -> None:
        """Tell once for the whole plan what cannot be verified."""
        if not self._groups:
            return
        names = sorted(target.desired.address for target in self._groups)
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        again = (
            f"{self._additions:,} membership{'' if self._additions == 1 else 's'} cannot be verified; they are added "
            "again on every run, which does no harm. "
            if self._additions
            else ""
        )
        only = self._groups[0].desired.source.locate("members") if len(names) == 1 else None
        self._context.findings.warn(
            "members-unknown",
            f"the directory does not tell who is in {', '.join(names[:_NAMED])}{more}: {again}Who is in there and not "
            "listed any more is not known, and cannot be removed",
            only,
        )

    def _lapse(self, seat: Seat) -> str:
        """Return why a place does not count, with the moment where the entry or the member states one."""
        ended = seat.reason is Reason.EXPIRED
        moment = next((found for entry in self._stating(seat) if (found := _moment(entry, ended=ended))), None)
        words = "expired" if ended else "not started"
        return f"{words}, {'until' if ended else 'from'} {utc(moment)}" if moment else words

    def _stating(self, seat: Seat) -> Iterable[Validity]:
        """Yield what may have lapsed: the entry, or the user that it names."""
        if seat.position is not None and seat.group.members:
            yield seat.group.members[seat.position]
        listed = self._users.get(fold(seat.candidate.name)) if seat.candidate.kind is Kind.USER else None
        if listed is not None:
            yield listed.lifecycle

    @cached_property
    def _users(self) -> dict[str, DesiredUser]:
        return {fold(user.name): user for user in self._context.desired.users}


def _moment(entry: Validity, *, ended: bool) -> datetime | None:
    return entry.until if ended else entry.starts
