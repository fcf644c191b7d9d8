"""From what is stated and what is there to a plan, and to something to read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal

from reconciler import observations as memory
from reconciler.config import Policy
from reconciler.model import Desired, Live, Observation
from reconciler.planning import Plan
from reconciler.planning import plan as make_plan
from reconciler.rendering import render_json, render_text


def recall(workspace: Path | str, base_url: str) -> tuple[Observation, ...]:
    """Return what earlier applies from this workspace learned of a directory, for :func:`plan`.

    Args:
        workspace: the folder with ``directory.yaml``.
        base_url: which directory: ``base_url`` of what :func:`read_live` returned.

    Returns:
        The values that it stored otherwise than they were written, the oldest first; empty where nothing is known.

    Raises:
        OSError: what was remembered cannot be read.
    """
    return memory.recall(workspace, base_url)


def plan(
    desired: Desired,
    live: Live,
    *,
    as_of: datetime,
    policy: Policy | None = None,
    observations: Iterable[Observation] = (),
) -> Plan:
    """Work out what has to be done so that the directory holds what the files state. Pure.

    Args:
        desired: what the files state.
        live: what the directory holds.
        as_of: the moment at which ``from`` and ``until`` are judged; must know its time zone.
        policy: the rules of planning; what ``directory.yaml`` says unless given.
        observations: what earlier applies learned, as :func:`recall` returns it. What the directory would not keep is
            told and not planned again.

    Returns:
        A sealed plan. Guards that refuse it are in its ``refusals``.

    Raises:
        DiagnosticsError: something is ambiguous or out of scope, with every such problem.
    """
    return make_plan(desired, live, as_of=as_of, policy=policy, observations=observations)


def render(
    plan: Plan,
    fmt: Literal["text", "json"] = "text",
    *,
    color: bool = False,
    full: bool = False,
    width: int | None = None,
) -> str:
    """Return the plan as text for people, or as its JSON document.

    Args:
        plan: the plan.
        fmt: ``text`` or ``json``; the other arguments are for ``text``.
        color: whether to use ANSI sequences.
        full: show every membership and every value whole.
        width: columns of the terminal, where there is one.
    """
    return render_json(plan) if fmt == "json" else render_text(plan, color=color, full=full, width=width)
