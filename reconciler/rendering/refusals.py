"""What guards say when people read it: what was counted, what is allowed, and what it was about."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reconciler.planning.guarding.limits import SHOWN
from reconciler.planning.plan import Verdict
from reconciler.rendering.escape import address_label, safe
from reconciler.rendering.words import counted

_SENTENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "users.create": ("user", "{counted} would be created; the limit is {limit}"),
        "users.update": ("user", "{counted} would be changed; the limit is {limit}"),
        "users.deactivate": ("user", "{counted} would be deactivated; the limit is {limit}"),
        "users.delete": ("user", "{counted} would be deleted; the limit is {limit}"),
        "groups.create": ("group", "{counted} would be created; the limit is {limit}"),
        "groups.delete": ("group", "{counted} would be deleted; the limit is {limit}"),
        "members.remove": ("member", "{counted} would be removed from {subject}; the limit is {limit}"),
        "memberships.remove": ("membership", "{counted} would end, also by deletions; the limit is {limit}"),
        "identity.change": ("change", "{counted} of what identifies a user or group; the limit is {limit}"),
        "live.shrink": ("", "{number} of the {subject} that the last recorded run left are gone; the limit is {limit}"),
        "protected": ("", "{subject} would be lost, and it is protected"),
        "break_glass": ("step", "{subject} is for emergencies, and {counted} would take its account, name or groups"),
        "required_members": ("member", "{subject} would lack {counted} who must be in it"),
        "min_members": ("member", "{subject} would have {counted}; it must have {limit}"),
        "privileged": (
            "change",
            "{subject} gives privileged access, and {counted} of it would need an allowance of its own",
        ),
        "limits.users": ("user", "the directory would hold {counted}; it takes {limit}"),
        "limits.groups": ("group", "the directory would hold {counted}; it takes {limit}"),
        "limits.memberships": ("membership", "the directory would hold {counted}; it takes {limit}"),
        "limits.group_members": ("member", "{subject} would have {counted}; the directory takes {limit} in a group"),
    }
)
"""What each guard counts, and the sentence around it."""
_LATER = ("", "{subject}: {number} counted; the limit is {limit}")


def refusal(verdict: Verdict) -> str:
    """Return what a guard counted and what it allows, as one sentence without a full stop."""
    if verdict.guard in ("users.empty", "groups.empty"):
        return _emptied(verdict)
    noun, sentence = _SENTENCES.get(verdict.guard, _LATER)
    return sentence.format(
        subject=address_label(verdict.subject) if verdict.subject else "the plan",
        number=f"{verdict.number:,}",
        counted=counted(verdict.number, noun),
        limit=safe(verdict.limit),
    )


def more_resources(verdict: Verdict) -> str:
    """Return how the list of what a guard counted ends: ``and 12 more``, or nothing where all of it is named."""
    named = len(verdict.resources)
    if verdict.guard == "memberships.remove":
        # It names the groups, and counts memberships: how many more groups there are it does not say.
        return f" (the {named} that lose most)" if named >= SHOWN else ""
    return f" and {verdict.number - named:,} more" if verdict.number > named else ""


def _emptied(verdict: Verdict) -> str:
    noun = verdict.guard.partition("s.")[0]
    if verdict.resources:
        return f"no file lists a {noun}, and {counted(verdict.number, noun)} in the directory would be lost"
    were = "was" if verdict.number == 1 else "were"
    return f"no file lists a {noun}; {counted(verdict.number, noun)} {were} listed at the last recorded run"
