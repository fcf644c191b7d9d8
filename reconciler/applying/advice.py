"""What a person can do about a refusal that says something about the directory, and not about one resource."""

from __future__ import annotations

from typing import Final

from reconciler.model import Kind
from reconciler.planning.plan import Step
from reconciler.scim.errors import RequestRefused

_CANNOT: Final = (400, 422)


def advised(step: Step, error: Exception) -> str:
    """Return what an error says, and what the step makes of it for the person who has to act."""
    renames = step.kind is Kind.GROUP and any(
        change.path == step.kind.naming_attribute and change.before is not None for change in step.changes
    )
    if renames and isinstance(error, RequestRefused) and error.status in _CANNOT:
        return (
            f"{error}. If the directory renames no group, state `group_rename: false` under `capabilities` in "
            "directory.yaml: the next plan then puts a group of the new name in its place"
        )
    return str(error)
