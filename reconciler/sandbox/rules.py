"""What a dialect demands of one resource, apart from the other resources in the directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from reconciler.attributes import ENTERPRISE_USER, Path, fold, unassigned
from reconciler.model import Kind
from reconciler.sandbox.behaviour import ATLASSIAN_EXTERNAL, PRIMARY_EMAIL, Behaviour
from reconciler.sandbox.behaviour.definition import Conflict
from reconciler.sandbox.errors import RequestRefusedError, immutable, invalid_value
from reconciler.sandbox.records import key_value
from reconciler.sandbox.validation import missing_required


def complete(
    kind: Kind, attributes: Mapping[str, Any], behaviour: Behaviour, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a resource as the directory stores it: with the defaults and copies that the server adds.

    Args:
        kind: of the resource.
        attributes: what the client wrote.
        behaviour: the dialect.
        before: the attributes as they were, where only a part of them was written.
    """
    completed = dict(attributes)
    if kind is Kind.USER:
        if before is None:
            # RFC 7643 §4.1.1 leaves it to the server whether a user who is not said to be active is. What a PATCH takes
            # away is unassigned afterwards (RFC 7644 §3.5.2.2).
            completed.setdefault("active", True)
        for name in behaviour.mirrored:
            _mirror(completed, name, before or {})
    return completed


def _mirror(attributes: dict[str, Any], name: str, before: Mapping[str, Any]) -> None:
    """Make the top-level attribute and its namesake in the enterprise extension equal: the one that changed wins."""
    extension = dict(attributes.get(ENTERPRISE_USER, {}))
    top, inner = attributes.get(name), extension.get(name)
    top_wins = top != before.get(name) if before else top is not None
    value = top if top_wins else inner
    for container in (attributes, extension):
        container.pop(name, None)
        if value is not None:
            container[name] = value
    attributes.pop(ENTERPRISE_USER, None)
    if extension:
        attributes[ENTERPRISE_USER] = extension


def check(kind: Kind, attributes: Mapping[str, Any], behaviour: Behaviour, *, patched: bool = False) -> None:
    """Refuse a resource that lacks what the schema or the dialect requires.

    Raises:
        RequestRefusedError: ``invalidValue``; after a PATCH ``mutability``, because an operation took away what must
            stay (RFC 7644 §3.5.2.2).
    """
    schema = behaviour.schemas.user if kind is Kind.USER else behaviour.schemas.group
    missing = missing_required(attributes, schema)
    if missing:
        refuse = immutable if patched else invalid_value
        raise refuse(f"{' and '.join(missing)} must have a value")
    if kind is Kind.GROUP:
        return
    if behaviour.primary_email_required and key_value(attributes, PRIMARY_EMAIL) is None:
        raise invalid_value("emails must have exactly one value with primary set to true")
    for name in behaviour.required:
        if unassigned(Path.parse(name).get(attributes)):
            raise invalid_value(f"{name} must have a value")
    for name in behaviour.single_valued:
        if len(attributes.get(name, ())) > 1:
            raise invalid_value(f"{name} can have one value only")


def check_new_group_name(name: str, behaviour: Behaviour) -> None:
    """Refuse the name of a group that the dialect reserves."""
    if behaviour.reserves(name):
        raise invalid_value(f"{name} is a default access group, which cannot be synchronised")


def check_names(kind: Kind, attributes: Mapping[str, Any], behaviour: Behaviour, before: Mapping[str, Any]) -> None:
    """Refuse a new name where the dialect does not let it change.

    Raises:
        RequestRefusedError: ``mutability``.
    """
    if kind is Kind.GROUP and not behaviour.group_rename and attributes["displayName"] != before["displayName"]:
        raise immutable("displayName of a group cannot change; create a group with the new name instead")
    # A user who is reactivated gets the name back that was hidden, which is no change by the client.
    hidden = "userName" in behaviour.deactivation_rewrites
    if kind is Kind.USER and not behaviour.user_rename and not hidden and attributes["userName"] != before["userName"]:
        raise immutable("userName of a user cannot change")


def clash(kind: Kind, name: str, value: str, behaviour: Behaviour) -> RequestRefusedError:
    """Return the error for a value that another resource has already (RFC 7644 §3.3)."""
    # The two forms are those that Atlassian answers with: a group's name is not repeated.
    label = "email" if name == PRIMARY_EMAIL else name
    what = f"{label}[{value}]" if kind is Kind.USER else label
    detail = behaviour.conflict_detail or f"Resource [{kind.upper()}]: with {what} already exists."
    return RequestRefusedError(409, detail, "uniqueness" if behaviour.conflict is Conflict.FULL else None)


def check_precondition(if_match: str | None, version: str | None) -> None:
    """Refuse a change that was made for another version of the resource (RFC 7644 §3.14).

    Args:
        if_match: the request's header.
        version: the resource's entity tag, or ``None`` where the dialect has none and ignores the header.

    Raises:
        RequestRefusedError: with status 412.
    """
    if if_match is None or version is None or if_match.strip() == "*":
        return
    wanted = {tag.strip().removeprefix("W/") for tag in if_match.split(",")}
    if version.removeprefix("W/") not in wanted:
        raise RequestRefusedError(412, f"the resource is at version {version}")


def account_link(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the extension with the account that a new user is linked to.

    The account belongs to the e-mail address, so that a user who is created again is linked to the same one.
    """
    email = fold(key_value(attributes, PRIMARY_EMAIL) or "")
    return {ATLASSIAN_EXTERNAL: {"atlassianAccountId": str(uuid5(NAMESPACE_URL, f"mailto:{email}"))}}
