"""How a probe, or one experiment of it, can end other than with an answer."""

from __future__ import annotations

from reconciler.diagnostics import ReconcilerError


class Undetermined(ReconcilerError):  # noqa: N818  # an experiment ends in it, like a request in Conflict
    """An experiment that shows nothing. It states no capability, so that the safe default holds."""


class Stopped(ReconcilerError):  # noqa: N818  # the end that was asked for, and no error
    """The user asked for the end. What was made is cleaned up."""

    def __init__(self) -> None:
        super().__init__("stopped by the user")
