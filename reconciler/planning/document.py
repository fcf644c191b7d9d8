"""The plan document: one JSON file, ``reconciler.plan/1``, that says whether it is intact.

Canonical form, over which the digest is computed: the document without ``digest`` and ``signature``, keys
sorted, no white space, UTF-8.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from reconciler.diagnostics import ReconcilerError
from reconciler.planning.plan import FORMAT, Plan


class PlanFileError(ReconcilerError):
    """A plan file that cannot be trusted: unreadable, of another format, or altered since it was written."""


def seal(plan: Plan) -> Plan:
    """Return the plan with its digest."""
    return msgspec.structs.replace(plan, digest=digest(plan))


def digest(plan: Plan) -> str:
    """Return ``sha256:…`` over the canonical form of everything but the digest itself and the signature."""
    unsealed = msgspec.structs.replace(plan, digest="", signature=None)
    return "sha256:" + hashlib.sha256(msgspec.json.encode(unsealed, order="sorted")).hexdigest()


def encode(plan: Plan) -> bytes:
    """Return the file form of a sealed plan: indented JSON that ends in a newline. The same plan, the same bytes."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n"


def as_json(plan: Plan) -> dict[str, Any]:
    """Return the document as plain dicts and lists."""
    # By way of JSON: msgspec.to_builtins would leave tuples, which JSON Schema validators do not take for arrays.
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(plan))
    return document


def decode(data: bytes) -> Plan:
    """Read a plan file and prove it intact.

    Raises:
        PlanFileError: it is not JSON, not of this format, or its digest is missing or wrong.
    """
    try:
        header = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlanFileError(f"not a plan: the file is not valid JSON ({error})") from error
    found = header.get("format") if isinstance(header, dict) else None
    if found != FORMAT:
        raise PlanFileError(f"not a plan that this version can apply: its format is {found!r}, not {FORMAT!r}")
    try:
        plan = msgspec.convert(header, Plan)
    except msgspec.ValidationError as error:
        raise PlanFileError(f"the plan is not intact: {error}") from error
    if not plan.digest:
        raise PlanFileError("the plan is not intact: it carries no digest")
    if plan.digest != digest(plan):
        raise PlanFileError(
            "the plan is not intact: its content does not match its digest. Make it again with `plan -o`"
        )
    return plan
