"""The planner: what separates the directory from the files, as an ordered plan. Pure; knows nothing of HTTP."""

from reconciler.planning.document import PlanFileError, as_json, decode, encode
from reconciler.planning.plan import (
    Action,
    Change,
    Edge,
    Note,
    Plan,
    Precondition,
    Reason,
    Step,
    Verdict,
)
from reconciler.planning.planner import plan
from reconciler.planning.summary import Summary

__all__ = [
    "Action",
    "Change",
    "Edge",
    "Note",
    "Plan",
    "PlanFileError",
    "Precondition",
    "Reason",
    "Step",
    "Summary",
    "Verdict",
    "as_json",
    "decode",
    "encode",
    "plan",
]
