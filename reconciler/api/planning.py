"""From what is stated and what is there to a plan, and to something to read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from reconciler.config import DirectoryConfig, Policy
from reconciler.model import NO_HISTORY, Desired, History, Live
from reconciler.planning import Plan
from reconciler.planning import plan as make_plan
from reconciler.planning.touched import Touched
from reconciler.rendering import render_json, render_text
from reconciler.rendering.grouping import GroupBy
from reconciler.store import Store


def recall(
    config: DirectoryConfig,
    workspace: Path | str,
    base_url: str,
    *,
    environ: Mapping[str, str] | None = None,
) -> History:
    """Return what earlier runs left in the store, for :func:`plan`. Empty where nothing is known of a directory.

    A store that is not there is not made.

    Args:
        config: what ``directory.yaml`` says.
        workspace: its folder.
        base_url: which directory: ``base_url`` of what :func:`read_live` returned.
        environ: the environment variables that the store's URL may name; this process's own if left out.

    Raises:
        StoreError: the store cannot be read.
    """
    store = Store.open_existing(config, Path(workspace), os.environ if environ is None else environ)
    if store is None:
        return NO_HISTORY
    with store:
        return store.history(base_url)


def plan(
    desired: Desired,
    live: Live,
    *,
    as_of: datetime,
    policy: Policy | None = None,
    history: History = NO_HISTORY,
    since: Touched | None = None,
) -> Plan:
    """Work out what has to be done so that the directory holds what the files state. Pure.

    Args:
        desired: what the files state.
        live: what the directory holds.
        as_of: the moment at which ``from`` and ``until`` are judged; must know its time zone.
        policy: the rules of planning; what ``directory.yaml`` says unless given.
        history: what earlier runs left, as :func:`recall` returns it. What the directory would not keep is told and not
            planned again; grace periods count from it; a directory that shrank since then is refused.
        since: the change of the files that the plan is confined to, with ``live`` as :func:`read_since` returned both;
            everything, if left out.

    Returns:
        A sealed plan. Guards that refuse it are in its ``refusals``.

    Raises:
        DiagnosticsError: something is ambiguous or out of scope, with every such problem.
    """
    return make_plan(desired, live, as_of=as_of, policy=policy, history=history, since=since)


def render(
    plan: Plan,
    fmt: Literal["text", "markdown", "html", "json"] = "text",
    *,
    color: bool = False,
    full: bool = False,
    width: int | None = None,
    left_out: bool = False,
    redact: bool = False,
    group_by: GroupBy = "kind",
    user: str | None = None,
) -> str:
    """Return the plan as text for people, as a comment or a report for reviewers, or as its JSON document.

    Args:
        plan: the plan.
        fmt: ``text``, ``markdown`` (a comment for a pull request, see :mod:`reconciler.rendering.markdown`), ``html``
            (one file that needs nothing else) or ``json``; all arguments but ``redact`` are for ``text``.
        color: whether to use ANSI sequences.
        full: show every membership and every value whole.
        width: columns of the terminal, where there is one.
        left_out: list every step that was left out of the plan, in place of their number alone.
        redact: show ids or initials in place of people's names and addresses.
        group_by: what stands together: kinds of change, all that concerns one ``user``, or all of one ``group``.
        user: a ``userName`` or id, to show what changes for that person alone, and whole.
    """
    if redact:
        from reconciler.rendering.redacting import redacted

        plan = redacted(plan)
    if fmt == "markdown":
        from reconciler.rendering.markdown import render_markdown

        return render_markdown(plan)
    if fmt == "json":
        return render_json(plan)
    if fmt == "html":
        from reconciler.rendering.report import render_html

        return render_html(plan)
    if user is not None:
        from reconciler.rendering.person import render_person

        return render_person(plan, user, color=color, width=width)
    return render_text(plan, color=color, full=full, width=width, left_out=left_out, group_by=group_by)
