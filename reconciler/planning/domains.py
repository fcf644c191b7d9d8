"""Primary e-mails that move out of the verified domains, where that costs a person the account behind the record."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from reconciler.attributes import fold
from reconciler.planning.changes import primary
from reconciler.planning.context import Context
from reconciler.planning.plan import Change, Note

_NAMED = 20
"""How many users are warned of by name: a whole company may move to another domain."""
_CONSEQUENCE = "the directory unlinks the account and drops its memberships, and SCIM does not show it"
_REMEDY = "To undo that, the user has to be de-provisioned and provisioned again"


class Domains:
    """Flags the changes of primary e-mails that may cost somebody the account.

    Atlassian: https://support.atlassian.com/atlassian-cloud/kb/email-address-change-via-user-provisioning/
    """

    def __init__(self, context: Context) -> None:
        self._findings = context.findings
        self._matter = context.capabilities.email_domain_unlinks
        self._verified = frozenset(map(fold, context.policy.domains))
        self._told = 0

    def flag(self, address: str, change: Change) -> Change:
        """Return a change with what its e-mail domain entails, and warn of it; most changes as they are."""
        if change.path != "emails" or not self._matter:
            return change
        old, new = _domain(change.before), _domain(change.after)
        if new is None or old == new or new in self._verified or (old is None and not self._verified):
            return change
        if self._verified:
            detail = f"! leaves the verified domains: {_CONSEQUENCE}"
            told = f"leaves the verified domains ({_move(old, new)}): {_CONSEQUENCE}"
        else:
            detail = f"! another domain ({_move(old, new)}): if it is not verified, {_CONSEQUENCE}"
            told = (
                f"changes its domain ({_move(old, new)}): if {new} is not verified, {_CONSEQUENCE}. State `domains: "
                f"[{new}, …]` in directory.yaml if it is"
            )
        self._told += 1
        if self._told <= _NAMED:
            self._findings.warn("e-mail-domain", f"the primary e-mail of {address} {told}. {_REMEDY}", change.origin)
        return msgspec.structs.replace(change, identity=True, details=(*change.details, detail))

    def notes(self) -> Iterator[Note]:
        """Yield how many more there are than were named."""
        more = self._told - _NAMED
        if more > 0:
            yield Note(
                severity="warning",
                code="e-mail-domain",
                message=f"the primary e-mails of {more:,} more user{'' if more == 1 else 's'} leave their domains "
                "likewise; their steps say so",
            )


def _move(old: str | None, new: str) -> str:
    return f"{old or 'none'} → {new}"


def _domain(emails: object) -> str | None:
    address = primary(emails)
    return fold(address.rpartition("@")[2].strip()) if address and "@" in address else None
