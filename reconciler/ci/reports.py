"""What the issue of a nightly job says: what somebody changed in the directory, and what waits for approval.

Everything foreign in it is made inert. The plan is shown as in a pull request.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.ci.hosts import Host
from reconciler.ci.issues import Report
from reconciler.model import Kind
from reconciler.planning.drift import Drift, Item, Sort
from reconciler.planning.plan import Plan
from reconciler.rendering.drift import told
from reconciler.rendering.escape import quoted, shorten
from reconciler.rendering.markdown import render_markdown
from reconciler.rendering.markdown.fitting import Part, Row, fit
from reconciler.rendering.markdown.inert import code, link, prose
from reconciler.rendering.pseudonyms import is_only_id, texts_in
from reconciler.rendering.style import Style
from reconciler.rendering.words import counted

LONGEST: Final = 65_000
"""Bytes of a report; GitHub takes 65,536 characters, and more than that nobody reads."""

_BY_SOMEBODY: Final = (Sort.DRIFT, Sort.BOTH, Sort.UNKNOWN)
_LONGEST_NAME: Final = 100
_LEAST_FOR_PLAN: Final = 20_000
_PATH: Final = re.compile(r"[A-Za-z][\w.:$-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a nightly job has found out about a directory.

    Attributes:
        directory: its name.
        drift: what changed in it; ``None`` where nobody looked.
        pending: the plan of what waits for approval; ``None`` where nothing does, or nobody looked.
    """

    directory: str
    drift: Drift | None = None
    pending: Plan | None = None

    @property
    def changed(self) -> tuple[Item, ...]:
        """What somebody changed in the directory, or nobody knows who. What only the files have changed is no drift."""
        return () if self.drift is None else self.drift.of(*_BY_SOMEBODY)

    @property
    def origin_unknown(self) -> bool:
        """Whether nobody can tell who changed what, because no run is recorded."""
        return self.drift is not None and self.drift.last_run is None

    @property
    def waiting(self) -> bool:
        """Whether a person has something to do."""
        return bool(self.changed or (self.pending is not None and (self.pending.steps or self.pending.refusals)))


def report(
    found: Findings, *, host: Host, label: str, key: str = "", where: str | None = None, redact: bool = False
) -> Report:
    """Return what the issue is to say.

    Args:
        found: what was found out.
        host: whose Markdown it is.
        label: what the issue is found by.
        key: sets apart what several jobs report of directories of the same name.
        where: the URL of the job, where people find all of it.
        redact: whether people are not to be named.
    """
    marker = _marker(found.directory, key)
    # Cut before escaping, which may be slow, and after, where it grew: GitHub takes 256 characters.
    name = shorten(quoted(shorten(found.directory, _LONGEST_NAME)), 2 * _LONGEST_NAME)
    title = f"Directory {name}: what waits for a person"
    frame = [marker, _headline(found), *_ending(where)]
    room = LONGEST - sum(len(part.encode()) + 2 for part in frame)
    drift = _drift(found, room - (_LEAST_FOR_PLAN if found.pending is not None else 0), redact=redact)
    room -= sum(len(part.encode()) + 2 for part in drift)
    plan = [] if found.pending is None else _plan(found.pending, host, room, where, redact=redact)
    body = "\n\n".join([*frame[:2], *drift, *plan, *frame[2:]]) + "\n"
    return Report(title=title, body=body, marker=marker, label=label, waiting=found.waiting)


def _marker(directory: str, key: str) -> str:
    """Return how the body of the issue of a directory begins: the same in every run, and holding nothing foreign."""
    name = hashlib.sha256("\0".join((directory, key)).encode(errors="surrogatepass")).hexdigest()
    return f"<!-- reconciler:issue {name[:32]} -->"


def _headline(found: Findings) -> str:
    if not found.waiting:
        return f"Nothing waits for a person any more in the directory {code(found.directory)}."
    parts = []
    if found.changed:
        origin = "of unknown origin" if found.origin_unknown else "that somebody made in the directory"
        parts.append(f"{counted(len(found.changed), 'difference')} {origin}")
    if found.pending is not None and found.pending.refusals:
        parts.append("a plan that guards refuse")
    elif found.pending is not None and found.pending.steps:
        parts.append(f"{counted(len(found.pending.steps), 'step')} waiting for approval")
    return f"**In the directory {code(found.directory)}: {', and '.join(parts)}.**"


def _ending(where: str | None) -> Iterator[str]:
    job = link("the job that last looked", where) if where else None
    seen = f" Written by {job}." if job else ""
    yield f"*This issue is kept up to date, and done when nothing is left.{seen}*"


def _drift(found: Findings, room: int, *, redact: bool) -> list[str]:
    if not found.changed:
        return []
    style = Style.fitting(color=False, full=False, width=None)
    title = "Differences of unknown origin" if found.origin_unknown else "Changed in the directory"
    part = Part(
        rank=0,
        opening=f"## {title}: {len(found.changed):,}\n",
        rows=[Row(_forms(item, style, redact=redact)) for item in found.changed],
        closing="To set it back, apply the files. To keep it, change the files. To put up with it: "
        "`reconciler drift --accept KEY --reason …`",
        noun="differences",
    )
    texts, _ = fit([part], room, lambda hidden, _cut, noun: f"… {hidden:,} more {noun}" if hidden else "")
    return texts


def _forms(item: Item, style: Style, *, redact: bool) -> tuple[str, ...]:
    """Return one difference as a line of a list, and shorter."""
    if redact:
        return (f"- {_unnamed(item)}",)
    _, words = told(item, style)
    origin = f" ({code(item.origin)})" if item.origin else ""
    short = f"- {code(item.address)}"
    return f"{short} {prose(words)}{origin}", short


def _unnamed(item: Item) -> str:
    """Return a difference without names and values: which resource by its id, and what of it."""
    who = code(item.name) if item.kind is Kind.GROUP else _id_of(item)
    if item.path is not None:
        # A path may hold a filter, and that a value.
        what = f"{code(item.path) if _PATH.fullmatch(item.path) else 'an attribute'} differs"
    elif item.member is not None:
        what = "a membership differs"
    else:
        what = "it is there and should not be, or the other way round"
    return f"{item.kind.lower()} {who}: {what}"


def _id_of(item: Item) -> str:
    if item.resource_id is None:
        return "without an id"
    known = (item.name, *(text for value in (item.left, item.live, item.wanted) for text in texts_in(value)))
    return code(item.resource_id) if is_only_id(item.resource_id, known) else "whose id tells a name"


def _plan(plan: Plan, host: Host, room: int, where: str | None, *, redact: bool) -> list[str]:
    body = render_markdown(plan, flavour=host, limit=room - 200, where=where, redact=redact)
    # Its own marker is that of a comment.
    shown = [body.partition("\n")[2].strip()]
    if plan.steps and not plan.refusals:
        shown.append("To approve it: `reconciler apply FILE` with the plan that the job has saved, or a new one.")
    return shown
