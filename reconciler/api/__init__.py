"""Everything that the command line does, as calls for programs: a nightly job, a notebook.

They are synchronous, and never print, prompt or exit. What cannot be done is raised as a
:class:`~reconciler.diagnostics.ReconcilerError`; what could be done in part only is in the result::

    loaded = reconciler.load("acme")
    live = reconciler.read_live(loaded.desired.config, "acme")
    history = reconciler.recall(loaded.desired.config, "acme", live.base_url)
    planned = reconciler.plan(loaded.desired, live, as_of=datetime.now(UTC), history=history)
    print(reconciler.render(planned))
    if not planned.refusals:
        result = reconciler.apply(planned, loaded.desired.config, "acme")
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.api.applying import apply, check_applicable
    from reconciler.api.auditing import export_audit, query_audit, verify_audit
    from reconciler.api.directory import doctor, probe, read_live
    from reconciler.api.drifting import accept_drift, drift, forget_drift
    from reconciler.api.errors import (
        NoSuchDifferenceError,
        NotDriftError,
        NothingToResumeError,
        PlanAppliedError,
        PlanRefusedError,
        PlanUndoneError,
        RunGoesOnError,
        WrongDirectoryError,
    )
    from reconciler.api.files import load, load_config
    from reconciler.api.history import RunDetails, RunOverview, run_details, runs
    from reconciler.api.holding import Hold, hold
    from reconciler.api.planning import plan, recall, render
    from reconciler.api.reconciling import Reconciliation, reconcile
    from reconciler.api.resuming import resume
    from reconciler.api.reviewing import compare, sign, verify
    from reconciler.api.since import ReadSince, load_at, read_since
    from reconciler.api.undoing import undo, wanted_for_undo

__all__ = [
    "Hold",
    "NoSuchDifferenceError",
    "NotDriftError",
    "NothingToResumeError",
    "PlanAppliedError",
    "PlanRefusedError",
    "PlanUndoneError",
    "ReadSince",
    "Reconciliation",
    "RunDetails",
    "RunGoesOnError",
    "RunOverview",
    "WrongDirectoryError",
    "accept_drift",
    "apply",
    "check_applicable",
    "compare",
    "doctor",
    "drift",
    "export_audit",
    "forget_drift",
    "hold",
    "load",
    "load_at",
    "load_config",
    "plan",
    "probe",
    "query_audit",
    "read_live",
    "read_since",
    "recall",
    "reconcile",
    "render",
    "resume",
    "run_details",
    "runs",
    "sign",
    "undo",
    "verify",
    "verify_audit",
    "wanted_for_undo",
]

# Imported when they are first used: a shell that completes a command line must not wait for an HTTP client.
_HOMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "reconciler.api.applying": (
            "apply",
            "check_applicable",
        ),
        "reconciler.api.auditing": (
            "export_audit",
            "query_audit",
            "verify_audit",
        ),
        "reconciler.api.directory": (
            "doctor",
            "probe",
            "read_live",
        ),
        "reconciler.api.drifting": (
            "accept_drift",
            "drift",
            "forget_drift",
        ),
        "reconciler.api.errors": (
            "NoSuchDifferenceError",
            "NotDriftError",
            "NothingToResumeError",
            "PlanAppliedError",
            "PlanRefusedError",
            "PlanUndoneError",
            "RunGoesOnError",
            "WrongDirectoryError",
        ),
        "reconciler.api.files": (
            "load",
            "load_config",
        ),
        "reconciler.api.history": (
            "RunDetails",
            "RunOverview",
            "run_details",
            "runs",
        ),
        "reconciler.api.holding": (
            "Hold",
            "hold",
        ),
        "reconciler.api.planning": (
            "plan",
            "recall",
            "render",
        ),
        "reconciler.api.reconciling": (
            "Reconciliation",
            "reconcile",
        ),
        "reconciler.api.resuming": ("resume",),
        "reconciler.api.reviewing": (
            "compare",
            "sign",
            "verify",
        ),
        "reconciler.api.since": (
            "ReadSince",
            "load_at",
            "read_since",
        ),
        "reconciler.api.undoing": (
            "undo",
            "wanted_for_undo",
        ),
    }
)


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            found = getattr(import_module(home), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
