"""Faults that the embedded directory can be told to have: rules say what goes wrong, for which requests and when.

They happen in front of the directory, over real HTTP: what it holds is what the requests that reached it have left.
Rules come from a YAML file (:func:`read_faults`) or are written in Python::

    Sandbox(faults=[FaultRule(fault=Rate(requests=20, burst=5))])
"""

from reconciler.sandbox.faults.file import KINDS, Faults, faults_schema, read_faults
from reconciler.sandbox.faults.listings import (
    IgnoredParameters,
    OverlappingPages,
    ShiftingPages,
    ShortPages,
    WrongTotal,
)
from reconciler.sandbox.faults.memory import StaleReads, TruncatedMembers
from reconciler.sandbox.faults.rate import Rate
from reconciler.sandbox.faults.replies import NothingChanges, Reply, Reset, Throttle
from reconciler.sandbox.faults.rules import Fault, FaultRule, Requests, RuleCount, When, fault_name
from reconciler.sandbox.faults.wire import (
    ContentType,
    LowerCaseResources,
    NoBody,
    NoScimType,
    Slow,
    Strings,
    Truncated,
)

__all__ = [
    "KINDS",
    "ContentType",
    "Fault",
    "FaultRule",
    "Faults",
    "IgnoredParameters",
    "LowerCaseResources",
    "NoBody",
    "NoScimType",
    "NothingChanges",
    "OverlappingPages",
    "Rate",
    "Reply",
    "Requests",
    "Reset",
    "RuleCount",
    "ShiftingPages",
    "ShortPages",
    "Slow",
    "StaleReads",
    "Strings",
    "Throttle",
    "Truncated",
    "TruncatedMembers",
    "When",
    "WrongTotal",
    "fault_name",
    "faults_schema",
    "read_faults",
]
