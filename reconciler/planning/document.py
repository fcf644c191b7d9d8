"""The plan document: one JSON file, ``reconciler.plan/1``, that says whether it is intact.

A plan file is exactly what :func:`encode` writes, byte for byte. The digest is computed over the canonical form: the
document without ``digest`` and ``signature``, keys sorted, no white space, UTF-8.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from reconciler.diagnostics import ReconcilerError
from reconciler.durations import format_duration
from reconciler.planning.plan import FORMAT, Plan

_BEYOND_ASCII = re.compile("[^\x00-\x7e]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the clocks of the machine that plans and of the one that applies may be apart."""


class PlanFileError(ReconcilerError):
    """A plan file that cannot be trusted: unreadable, of another format, or altered since it was written."""


class PlanTooOldError(PlanFileError):
    """A plan that was made too long ago.

    Attributes:
        as_of: the moment that the plan was made for.
        now: when it was to be applied.
        max_age: how long after ``as_of`` it may be.
    """

    def __init__(self, as_of: datetime, now: datetime, max_age: timedelta) -> None:
        self.as_of = as_of
        self.now = now
        self.max_age = max_age
        super().__init__(
            f"the plan is too old: it is of {_written(as_of)}, now is {_written(now)}, and max_plan_age allows "
            f"{format_duration(max_age)}. Make it again with `plan -o`"
        )


class PlanTooEarlyError(PlanFileError):
    """A plan for a moment that has not come: it would do today what is due later.

    Attributes:
        as_of: the moment that the plan was made for; it may be applied from then on.
        now: when it was to be applied.
    """

    def __init__(self, as_of: datetime, now: datetime) -> None:
        self.as_of = as_of
        self.now = now
        super().__init__(
            f"the plan is made for the future (--as-of): it may be applied from {_written(as_of)} on, and now is "
            f"{_written(now)}. For what is due now, make a plan without --as-of"
        )


def seal(plan: Plan) -> Plan:
    """Return the plan with its digest."""
    return msgspec.structs.replace(plan, digest=digest(plan))


def digest(plan: Plan) -> str:
    """Return ``sha256:…`` over the canonical form of everything but the digest itself and the signature."""
    unsealed = msgspec.structs.replace(plan, digest="", signature=None)
    return "sha256:" + hashlib.sha256(msgspec.json.encode(unsealed, order="sorted")).hexdigest()


def check_digest(plan: Plan) -> None:
    """Prove that a plan is what its digest was computed over.

    Raises:
        PlanFileError: the digest is missing or wrong, as it is by intent where the plan is redacted.
    """
    if plan.redacted:
        raise PlanFileError(
            "the plan is redacted: it was written to be read, and names nobody who could be changed. "
            f"Take the plan that it was made from ({plan.digest or 'without a digest'})"
        )
    if not plan.digest:
        raise PlanFileError("the plan is not intact: it carries no digest. Make it again with `plan -o`")
    if plan.digest != digest(plan):
        raise PlanFileError(
            "the plan is not intact: its content does not match its digest. Make it again with `plan -o`"
        )


def encode(plan: Plan) -> bytes:
    """Return the file form of a sealed plan: indented JSON in ASCII that ends in a line feed.

    The same plan gives the same bytes, and neither a terminal nor a log is harmed by them.
    """
    text = msgspec.json.format(msgspec.json.encode(plan), indent=1).decode()
    return in_ascii(text).encode() + b"\n"


def in_ascii(text: str) -> str:
    """Return JSON with everything beyond printable ASCII escaped, by which neither a terminal nor a log is harmed.

    So is the second sign of ``##[…]``, ``##vso[…]`` and ``##teamcity[…]``, commands that runners of pipelines obey
    wherever in a line they stand (https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands).
    """
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text).replace("##", "#\\u0023")


def as_json(plan: Plan) -> dict[str, Any]:
    """Return the document as plain dicts and lists."""
    # By way of JSON: msgspec.to_builtins would leave tuples, which JSON Schema validators do not take for arrays.
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(plan))
    return document


def decode(data: bytes) -> Plan:
    """Read a plan file and prove it intact: every byte is as it was written, and a signature is that of its key.

    Whose key it is, :func:`reconciler.planning.signing.verify` tells.

    Raises:
        PlanFileError: it is not JSON, not of this format, its digest is missing or wrong, or it is written otherwise
            than :func:`encode` does.
        PlanSignatureError: it is signed, and the signature is not that of the key that it names.
    """
    if data.startswith(_BYTE_ORDER_MARK):
        raise PlanFileError("the plan file is not as it was written: it begins with a byte order mark now")
    plan = _parse(data)
    check_digest(plan)
    written = encode(plan)
    if data != written:
        raise PlanFileError(f"the plan file is not as it was written: {_what_differs(data, written)}")
    if plan.signature is not None:
        # Imported now: most plans carry none, and signing imports this module.
        from reconciler.planning.signing import verify

        verify(plan)
    return plan


def check_age(plan: Plan, now: datetime, max_age: timedelta) -> None:
    """Refuse a plan whose moment is too long ago, or has not come.

    Args:
        plan: the plan.
        now: the moment at which it is to be applied, with a time zone.
        max_age: how long after its ``as_of`` that may be.

    Raises:
        PlanTooOldError: that is longer ago.
        PlanTooEarlyError: it lies ahead, by more than clocks may differ.
        PlanFileError: ``as_of`` is not a time.
    """
    as_of = _moment(plan.as_of)
    if now - as_of > max_age:
        raise PlanTooOldError(as_of, now, max_age)
    if as_of - now > CLOCK_TOLERANCE:
        raise PlanTooEarlyError(as_of, now)


def _parse(data: bytes) -> Plan:
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlanFileError(f"not a plan: the file is not valid JSON ({error})") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise PlanFileError(f"not a plan that this version can apply: its format is {found!r}, not {FORMAT!r}")
    try:
        return msgspec.convert(document, Plan)
    except msgspec.ValidationError as error:
        raise PlanFileError(f"the plan is not intact: {error}") from error


def _what_differs(data: bytes, written: bytes) -> str:
    """Say how a file whose values are right came to have other bytes."""
    if data.replace(b"\r\n", b"\n") == written:
        return (
            "its lines end in CRLF now, as Git does on some machines. Put `*.plan -text` into .gitattributes, and "
            "fetch the file again"
        )
    mine, theirs = data.splitlines(keepends=True), written.splitlines(keepends=True)
    pairs = enumerate(zip(mine, theirs, strict=False), start=1)
    line = next((number for number, (one, other) in pairs if one != other), min(len(mine), len(theirs)) + 1)
    return f"white space, the order of keys or the form of a value is another in line {line}. Fetch it or make it again"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise PlanFileError(f"the plan is of {text!r}, which is not a time of RFC 3339") from error
    if moment.tzinfo is None:
        raise PlanFileError(f"the plan is of {text!r}, a time without its zone")
    return moment


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
