"""Finding out what a service provider can do: what is known of it, and experiments on throw-away resources."""

from reconciler.probing.cleaning import LeftBehind
from reconciler.probing.dialect_file import dialect_text
from reconciler.probing.examination import Examination, examine
from reconciler.probing.probe import Finding, Probe, announcement, probe
from reconciler.probing.stock import NAME_PREFIX, Stock

__all__ = [
    "NAME_PREFIX",
    "Examination",
    "Finding",
    "LeftBehind",
    "Probe",
    "Stock",
    "announcement",
    "dialect_text",
    "examine",
    "probe",
]
