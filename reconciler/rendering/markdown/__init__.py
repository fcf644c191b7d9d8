"""A plan as Markdown for a comment under a pull or merge request: what happens to whom, why, and whether to worry.

What is lost stands outside of any fold, everything else below it, and all of it within what a comment may hold.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import Final, Literal, TypeAlias

from reconciler.planning.plan import Plan
from reconciler.rendering.access import access_headline
from reconciler.rendering.markdown.fitting import fit
from reconciler.rendering.markdown.inert import code, link, prose
from reconciler.rendering.markdown.parts import counts_of, parts, refused_in_short
from reconciler.rendering.provenance import without_credentials
from reconciler.rendering.redacting import redacted
from reconciler.rendering.risk import risks
from reconciler.rendering.words import counted

__all__ = ["LIMIT", "SMALLEST_LIMIT", "Flavour", "marker", "render_markdown"]

Flavour: TypeAlias = Literal["github", "gitlab"]
"""Whose Markdown it is: they differ in what they make of references, and in alerts, which older GitLabs lack."""

LIMIT: Final = 65_535
"""What a comment holds wherever it is posted.

GitHub says "Body is too long (maximum is 65536 characters)". For issue comments that was seen to mean 262,144 bytes,
for the description of a pull request 65,536 code points (dead-claudia/github-limits, pull request 13). GitLab takes
1,000,000 characters, or 1 MiB. In bytes of UTF-8 a text is never shorter than in any other measure.
"""

SMALLEST_LIMIT: Final = 2_000
"""Bytes in which headline, refusals, risks in numbers and the last line always have room."""

_ELSEWHERE: Final = "`reconciler show FILE`"
_NAME_LENGTHS: Final = (60, 20, 0)
_LONGEST_PLACE: Final = 60
_SLUG: Final = re.compile(r"[^a-z0-9]+")


def render_markdown(
    plan: Plan,
    *,
    flavour: Flavour = "github",
    limit: int = LIMIT,
    where: str | None = None,
    redact: bool = False,
    key: str = "",
) -> str:
    """Return the plan as Markdown for a comment.

    Args:
        plan: the plan document. No text in it can become a link, a mention, a reference, HTML or a command.
        flavour: whose Markdown it is.
        limit: bytes of UTF-8 that it may take, and therefore characters by any count. What is less important is left
            out first, and it is said how much and where the whole plan is. Headline, refusals, the number of risks and
            the last line are always there.
        where: the address of the whole plan or report, or where to find it in words.
        redact: show ids or initials in place of people's names and addresses.
        key: what tells several comments about one directory apart, see :func:`marker`.

    Returns:
        Lines that end in a newline. The first is :func:`marker`, the last ``str(plan.summary)`` to the letter.

    Raises:
        ValueError: ``limit`` is below :data:`SMALLEST_LIMIT`.
    """
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"limit must be at least {SMALLEST_LIMIT} bytes, not {limit}")
    first = marker(plan, key=key)
    shown = redacted(plan) if redact else plan
    # What cannot be left out is written shorter where names are long and the room is small.
    heads = ("\n\n".join([first, *_head(shown, flavour, longest)]) for longest in _NAME_LENGTHS)
    head = next(text for text in heads if _size(text) <= limit // 2)
    words = prose(where, longest=_LONGEST_PLACE) if where else _ELSEWHERE
    source = (link("The whole plan", where) if where else None) or f"The whole plan: {words}"

    def remark(hidden: int, cut: int, noun: str) -> str:
        told = [f"{hidden:,} more {noun} not shown here"] if hidden else []
        told += [f"{cut:,} shown without details"] if cut else []
        return f"_{'; '.join(told)}._ {source}."

    everything = [*parts(shown)]
    last = f"{source}.\n\n{shown.summary}\n" if where else f"{shown.summary}\n"
    cut_last = f"**Not all is shown here.** {source}.\n\n{shown.summary}\n"
    frame = _size(head) + _size(last) + 2
    texts, missing = fit(everything, limit - frame, remark, reserve=_size(cut_last) - _size(last))
    return "\n\n".join([head, *texts, cut_last if missing else last])


def marker(plan: Plan, *, key: str = "") -> str:
    """Return the hidden first line by which a comment about a directory is found again.

    Two directories never have the same one, whatever their names are: it holds a digest of name and ``base_url``. A
    redacted plan has that of the plan.

    Args:
        plan: any plan for the directory.
        key: what tells several workspaces for one directory apart: the path of the workspace, for example.
    """
    address = without_credentials(plan.directory.base_url)
    identity = json.dumps([plan.directory.name, address, *([key] if key else [])])
    slug = _SLUG.sub("-", plan.directory.name.lower())[:40].strip("-") or "unnamed"
    return f"<!-- reconciler:plan directory={slug}-{hashlib.sha256(identity.encode()).hexdigest()[:16]} -->"


def _head(plan: Plan, flavour: Flavour, longest: int) -> list[str]:
    """Return what is never left out, in paragraphs; names in it take at most so many characters, or are left out."""
    counts = counts_of(plan.steps) or "nothing to do"
    kind = "plan" if plan.undoes is None else "undo"
    kind = f"Redacted {kind}" if plan.redacted else kind.title()
    of = f" for {code(plan.directory.name, longest=longest)}" if longest else ""
    lines = [f"## {kind}{of}{', refused' if plan.refusals else ''}: {counts}"]
    if plan.since is not None:
        ref = code(plan.since.ref, longest=longest) if longest else "a commit"
        touched = f"{counted(plan.since.users, 'user')} and {counted(plan.since.groups, 'group')}"
        lines.append(
            f"**Confined to what changed since {ref}:** {touched}. Of the rest of the directory it says nothing."
        )
    # A refusal is told by itself, above what to look at first.
    numbers = Counter(risk.severity for risk in risks(plan) if risk.code != "refused")
    told = ", ".join(f"{numbers[severity]} {severity}" for severity in ("high", "medium") if numbers[severity])
    lines.append(f"**Risks:** {told or 'none found'}.")
    access = access_headline(plan)
    if access:
        lines.append(f"**Access:** {access}.")
    if plan.refusals:
        alert = "> [!CAUTION]\n" if flavour == "github" else ""
        by = f"**Refused by {counted(len(plan.refusals), 'guard')}:** {refused_in_short(plan)}"
        lines.append(f"{alert}> {by}. This plan cannot be applied as it is.")
    return lines


def _size(text: str) -> int:
    return len(text.encode())
