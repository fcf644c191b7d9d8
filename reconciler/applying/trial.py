"""Trying a form of writing memberships that is not proven: in one group at a time, and not first in a guarded one."""

from __future__ import annotations

from reconciler.applying.forms import Form, Forms, Proof
from reconciler.applying.roster import Roster
from reconciler.applying.session import Session


class Trial:
    """The right of one group to be written in a form that is not proven.

    Args:
        session: the run.
        forms: what it knows of the forms.
        roster: who is in the group.

    Attributes:
        held: whether this group has the right; no other one has it then.
    """

    def __init__(self, session: Session, forms: Forms, roster: Roster) -> None:
        self.held = False
        self._session = session
        self._forms = forms
        self._roster = roster

    def trusted(self, form: Form) -> bool:
        """Tell whether a form may be used in several groups at once, and read back later."""
        proof = self._forms.proof(form)
        return proof is Proof.SAFE or (proof is Proof.WORKS and not self._roster.others)

    async def begin(self, form: Form, *, guarded: bool) -> None:
        """Wait for the right; whoever had it before may have proven the form, and then it is not needed.

        Args:
            form: the form to try.
            guarded: the group must never have fewer members than so many, and lets the others go first.
        """
        if guarded:
            await self._session.sender.apart(self._forms.others_first())
        await self._session.sender.apart(self._forms.gate.acquire())
        self.held = True
        if self.trusted(form):
            self.end()

    def end_if_proven(self) -> None:
        """Give the right back once the form to use next can be trusted."""
        usable = self._forms.usable
        if not usable or self.trusted(usable[0]):
            self.end()

    def end(self) -> None:
        """Let other groups try forms. To be called however the steps of the group ended."""
        if self.held:
            self.held = False
            self._forms.gate.release()
