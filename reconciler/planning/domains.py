"""Primary e-mails that move out of the verified domains, where that costs a person the account behind the record."""

from __future__ import annotations

import msgspec

from reconciler.attributes import fold
from reconciler.planning.changes import primary
from reconciler.planning.context import Context
from reconciler.planning.plan import Change

_CONSEQUENCE = "the directory unlinks the account and drops its memberships, and SCIM does not show it"
_REMEDY = "To undo that, the user has to be de-provisioned and provisioned again"


def tell_domain(context: Context, address: str, change: Change) -> Change:
    """Return a change with what its e-mail domain entails, and warn of it; most changes as they are.

    Atlassian: https://support.atlassian.com/atlassian-cloud/kb/email-address-change-via-user-provisioning/
    """
    if change.path != "emails" or not context.capabilities.email_domain_unlinks:
        return change
    old, new = _domain(change.before), _domain(change.after)
    verified = context.policy.domains
    if new is None or old == new or new in map(fold, verified) or (old is None and not verified):
        return change
    if verified:
        detail = f"! leaves the verified domains: {_CONSEQUENCE}"
        message = f"the primary e-mail of {address} leaves the verified domains ({_move(old, new)}): {_CONSEQUENCE}"
    else:
        detail = f"! another domain ({_move(old, new)}): if it is not verified, {_CONSEQUENCE}"
        message = (
            f"the primary e-mail of {address} changes its domain ({_move(old, new)}): if {new} is not verified, "
            f"{_CONSEQUENCE}. State `domains: [{new}, …]` in directory.yaml if it is"
        )
    context.findings.warn("e-mail-domain", f"{message}. {_REMEDY}", change.origin)
    return msgspec.structs.replace(change, identity=True, details=(*change.details, detail))


def _move(old: str | None, new: str) -> str:
    return f"{old or 'none'} → {new}"


def _domain(emails: object) -> str | None:
    address = primary(emails)
    return fold(address.rpartition("@")[2].strip()) if address and "@" in address else None
