"""What other commands wrote and a nightly job hands on: ``drift --json`` and ``reconcile --json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from reconciler.ci.errors import DocumentError
from reconciler.ci.reports import Findings
from reconciler.planning import Plan, decode
from reconciler.planning.drift import FORMAT, Drift

_HOW_DRIFT: Final = "Write it with: reconciler drift --json > FILE"
_HOW_RECONCILED: Final = "Write it with: reconciler reconcile --json > FILE"

_T = TypeVar("_T")


Named: TypeAlias = tuple[bytes, str]
"""What a file holds, and what errors call it."""


class _Facts(msgspec.Struct, frozen=True):
    directory: str


class _Waiting(msgspec.Struct, frozen=True):
    file: str | None
    digest: str


class _Reconciled(msgspec.Struct, frozen=True):
    plan: _Facts
    pending: _Waiting | None


def findings(*, drift: Named | None = None, reconciled: Named | None = None, plan: bytes | None = None) -> Findings:
    """Return what a nightly job has found out, from what its commands wrote.

    Args:
        drift: standard output of ``drift --json``.
        reconciled: standard output of ``reconcile --json``.
        plan: a plan file, in place of that which ``reconciled`` names.

    Raises:
        DocumentError: one of them is something else or tells an error, they are about several directories, or there is
            none.
        PlanFileError: the plan file is not intact.
        OSError: the plan file that ``reconciled`` names cannot be read.
    """
    changed = None if drift is None else read_drift(*drift)
    pending = None if plan is None else decode(plan)
    names = [one.directory.name for one in (changed, pending) if one is not None]
    if reconciled is not None:
        name, pending = read_reconciled(*reconciled)
        names.append(name)
    if len(set(names)) != 1:
        said = ", ".join(map(repr, dict.fromkeys(names))) or "none"
        raise DocumentError("documents", f"they have to be about one directory, and not about {said}")
    return Findings(directory=names[0], drift=changed, pending=pending)


def read_drift(data: bytes, name: str) -> Drift:
    """Return the drift that ``drift --json`` told.

    Args:
        data: its standard output.
        name: what errors call it.

    Raises:
        DocumentError: it is something else, or tells an error.
    """
    document = _document(data, name)
    if document.get("format") != FORMAT:
        raise DocumentError(name, f"no drift: its format is {document.get('format')!r}, not {FORMAT!r}. {_HOW_DRIFT}")
    return _as(Drift, document, name, _HOW_DRIFT)


def read_reconciled(data: bytes, name: str) -> tuple[str, Plan | None]:
    """Return the name of the directory that ``reconcile --json`` was about, and the plan that waits, if one does.

    Args:
        data: its standard output.
        name: what errors call it.

    Raises:
        DocumentError: it is something else, tells an error, or the plan file is not the one that it speaks of.
        PlanFileError: the plan file is not intact.
        OSError: the plan file cannot be read.
    """
    found = _as(_Reconciled, _document(data, name), name, _HOW_RECONCILED)
    if found.pending is None:
        return found.plan.directory, None
    if found.pending.file is None:
        raise DocumentError(name, "something waits, and the plan of it could not be saved: its warnings tell why")
    plan = decode(Path(found.pending.file).read_bytes())
    if plan.digest != found.pending.digest:
        raise DocumentError(name, f"{found.pending.file} is another plan by now than the one that it speaks of")
    return found.plan.directory, plan


def _document(data: bytes, name: str) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(name, f"not JSON ({error})") from None
    match document:
        case {"error": {"message": str(message)}}:
            raise DocumentError(name, f"the command that wrote it failed: {message}")
        case dict():
            return document
    raise DocumentError(name, "not a JSON object")


def _as(kind: type[_T], document: dict[str, Any], name: str, how: str) -> _T:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise DocumentError(name, f"{error}. {how}") from None
