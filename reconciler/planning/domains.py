"""The e-mail domains that an organization has verified: nobody is made outside of them, and whoever leaves is told.

Domains are compared in IDNA form (UTS #46, non-transitional): letter case and full-width letters mean nothing, and
``münchen.example`` is ``xn--mnchen-3ya.example``. A subdomain is a domain of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import idna
import msgspec

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic
from reconciler.model import DesiredUser, LiveUser
from reconciler.planning.changes import primary
from reconciler.planning.context import Context
from reconciler.planning.plan import Change, Note

_NAMED = 20
"""How many users are warned of by name: a whole company may move to another domain."""
_CONSEQUENCE = "the directory unlinks the account and drops its memberships, and SCIM does not show it"
_REMEDY = "To undo that, the user has to be de-provisioned and provisioned again"
_WHAT = {"emails": "primary e-mail", "userName": "userName"}
"""The attributes whose domain counts in a change, and what messages call the part of them that does."""


class Domains:
    """Refuses to create users outside the verified domains, and flags the changes that leave them.

    What leaving costs, in Atlassian's words:
    https://support.atlassian.com/atlassian-cloud/kb/email-address-change-via-user-provisioning/
    """

    def __init__(self, context: Context) -> None:
        self._findings = context.findings
        self._unlinks = context.capabilities.email_domain_unlinks
        self._verified = frozenset(map(comparable, context.policy.domains))
        self._told = 0

    def check(self, desired: DesiredUser) -> None:
        """Report the addresses of a user to be created that are outside the verified domains, where those are stated.

        Every e-mail counts, and a userName that is an address.
        """
        if not self._verified:
            return
        emails = desired.attributes.get("emails") or ()
        stated = [(str(email.get("value", "")), ("emails", index, "value")) for index, email in enumerate(emails)]
        told: set[str] = set()
        for address, path in (*stated, (desired.name, ("userName",))):
            found = _domain(address)
            if found is None or found.key in self._verified or fold(address) in told:
                continue
            told.add(fold(address))
            what = "userName" if path == ("userName",) else "e-mail"
            self._findings.problems.append(
                Diagnostic(
                    code="e-mail-domain",
                    message=f"{desired.address} would be created with the {what} {address!r}, outside the verified "
                    "domains",
                    origin=desired.source.locate(*path),
                    hint=f"if the organization has verified {found.name}, add it to domains in directory.yaml",
                    text=address,
                )
            )

    def flag(self, desired: DesiredUser, live: LiveUser, change: Change) -> Change:
        """Return a change with what its e-mail domain entails, and warn of it; most changes as they are."""
        move = self._move(change)
        if move is None:
            return change
        detail, told = self._entails(change.path, *move)
        self._told += 1
        if self._told <= _NAMED:
            message = f"the {_WHAT[change.path]} of {desired.address} {told}"
            self._findings.warn("e-mail-domain", message, change.origin, about=live)
        return msgspec.structs.replace(change, identity=True, details=(*change.details, detail))

    def unlinks(self, change: Change) -> bool:
        """Tell whether a change may cost its user the account and all memberships, because of the e-mail's domain."""
        return change.path == "emails" and self._unlinks and self._move(change) is not None

    def _move(self, change: Change) -> tuple[_Domain | None, _Domain] | None:
        """Return from where to where a change leaves the verified domains, or any where none are stated."""
        if change.path not in _WHAT or not (self._verified or self._unlinks):
            return None
        if change.path == "emails":
            old, new = _domain(primary(change.before)), _domain(primary(change.after))
        elif self._verified:
            old, new = _domain(change.before), _domain(change.after)
        else:
            return None
        if new is None or new.key in self._verified or (old is not None and old.key == new.key):
            return None
        return None if old is None and not self._verified else (old, new)

    def _entails(self, path: str, old: _Domain | None, new: _Domain) -> tuple[str, str]:
        """Return what a change of domain entails, as a detail of the change and as the end of a warning."""
        move = f"{old.name if old is not None else 'none'} → {new.name}"
        if not self._verified:
            return (
                f"! another domain ({move}): if it is not verified, {_CONSEQUENCE}",
                f"changes its domain ({move}): if {new.name} is not verified, {_CONSEQUENCE}. State `domains: "
                f"[{new.name}, …]` in directory.yaml if it is. {_REMEDY}",
            )
        if path == "emails" and self._unlinks:
            return (
                f"! leaves the verified domains: {_CONSEQUENCE}",
                f"leaves the verified domains ({move}): {_CONSEQUENCE}. {_REMEDY}",
            )
        return "! leaves the verified domains", f"leaves the verified domains ({move})"

    def notes(self) -> Iterator[Note]:
        """Yield how many more there are than were named."""
        more = self._told - _NAMED
        if more > 0:
            yield Note(
                severity="warning",
                code="e-mail-domain",
                message=f"the addresses of {more:,} more user{'' if more == 1 else 's'} leave their domains likewise; "
                "their steps say so",
            )


class _Domain(NamedTuple):
    """A domain as it is written, without blanks and in small letters, and as it is compared."""

    name: str
    key: str


def _domain(address: object) -> _Domain | None:
    """Return the domain of an e-mail address, or ``None`` for what is no address."""
    if not isinstance(address, str):
        return None
    local, _, domain = address.strip().rpartition("@")
    return _Domain(domain.lower(), comparable(domain)) if local and domain else None


def comparable(domain: str) -> str:
    """Return a domain in the one form that all its spellings share.

    What IDNA does not allow, such as an underscore, is compared under case folding: nothing is refused here.
    """
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return fold(domain)
