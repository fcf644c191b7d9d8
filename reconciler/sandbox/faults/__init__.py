"""Faults that the embedded directory can be told to have: rules say what goes wrong, for which requests and when.

They happen in front of the directory, over real HTTP: what it holds is what healthy requests have left. Rules come from
a YAML file or are written in Python::

    Sandbox(faults=[FaultRule(fault=Rate(requests=20, burst=5))])
"""

from reconciler.sandbox.faults.rate import Rate
from reconciler.sandbox.faults.rules import Fault, FaultRule, Requests, RuleCount, When

__all__ = ["Fault", "FaultRule", "Rate", "Requests", "RuleCount", "When"]
