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
from reconciler.api.errors import NothingToResumeError, PlanAppliedError, PlanRefusedError, WrongDirectoryError
from reconciler.api.files import load, load_config
from reconciler.api.holding import Hold, hold
from reconciler.api.planning import plan, recall, render
from reconciler.api.resuming import resume
from reconciler.api.reviewing import compare, sign, verify

__all__ = [
    "Hold",
    "NothingToResumeError",
    "PlanAppliedError",
    "PlanRefusedError",
    "WrongDirectoryError",
    "apply",
    "check_applicable",
    "compare",
    "doctor",
    "export_audit",
    "hold",
    "load",
    "load_config",
    "plan",
    "probe",
    "query_audit",
    "read_live",
    "recall",
    "render",
    "resume",
    "sign",
    "verify",
    "verify_audit",
]
