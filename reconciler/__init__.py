"""Keep a SCIM 2.0 directory equal to YAML files in Git.

The calls of :mod:`reconciler.api` and the types that they take and return. They are imported when they are first used,
because the command line must not wait for an HTTP client to print its help.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler._version import __version__
    from reconciler.api import (
        Hold,
        NoSuchDifferenceError,
        NotDriftError,
        NothingToResumeError,
        PlanAppliedError,
        PlanRefusedError,
        PlanUndoneError,
        ReadSince,
        Reconciliation,
        RunDetails,
        RunGoesOnError,
        RunOverview,
        WrongDirectoryError,
        accept_drift,
        apply,
        compare,
        doctor,
        drift,
        export_audit,
        forget_drift,
        hold,
        load,
        load_at,
        load_config,
        plan,
        probe,
        query_audit,
        read_live,
        read_since,
        recall,
        reconcile,
        render,
        resume,
        run_details,
        runs,
        sign,
        undo,
        verify,
        verify_audit,
        wanted_for_undo,
    )
    from reconciler.applying import ApplyEvent, Outcome, RunResult, Status, StopSignal
    from reconciler.desired import Loaded
    from reconciler.diagnostics import Diagnostic, DiagnosticsError, ReconcilerError
    from reconciler.live import Wanted
    from reconciler.model import Desired, History, Live
    from reconciler.planning import Plan, PlanFileError
    from reconciler.planning.signing import PlanSignatureError, SigningKeyError
    from reconciler.store import (
        Actor,
        AuditEvent,
        LockedError,
        LockHolder,
        LockLostError,
        NoSuchRunError,
        Store,
        StoreError,
    )

__all__ = [
    "Actor",
    "ApplyEvent",
    "AuditEvent",
    "Desired",
    "Diagnostic",
    "DiagnosticsError",
    "History",
    "Hold",
    "Live",
    "Loaded",
    "LockHolder",
    "LockLostError",
    "LockedError",
    "NoSuchDifferenceError",
    "NoSuchRunError",
    "NotDriftError",
    "NothingToResumeError",
    "Outcome",
    "Plan",
    "PlanAppliedError",
    "PlanFileError",
    "PlanRefusedError",
    "PlanSignatureError",
    "PlanUndoneError",
    "ReadSince",
    "ReconcilerError",
    "Reconciliation",
    "RunDetails",
    "RunGoesOnError",
    "RunOverview",
    "RunResult",
    "SigningKeyError",
    "Status",
    "StopSignal",
    "Store",
    "StoreError",
    "Wanted",
    "WrongDirectoryError",
    "__version__",
    "accept_drift",
    "apply",
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


_HOMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "reconciler._version": ("__version__",),
        "reconciler.api": (
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
        ),
        "reconciler.applying": ("ApplyEvent", "Outcome", "RunResult", "Status", "StopSignal"),
        "reconciler.desired": ("Loaded",),
        "reconciler.diagnostics": ("Diagnostic", "DiagnosticsError", "ReconcilerError"),
        "reconciler.live": ("Wanted",),
        "reconciler.model": ("Desired", "History", "Live"),
        "reconciler.planning": ("Plan", "PlanFileError"),
        "reconciler.planning.signing": ("PlanSignatureError", "SigningKeyError"),
        "reconciler.store": (
            "Actor",
            "AuditEvent",
            "LockHolder",
            "LockLostError",
            "LockedError",
            "NoSuchRunError",
            "Store",
            "StoreError",
        ),
    }
)
"""Where each public name is defined."""


def __getattr__(name: str) -> object:
    """Import a public name from where it is defined (PEP 562)."""
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
