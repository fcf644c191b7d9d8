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
