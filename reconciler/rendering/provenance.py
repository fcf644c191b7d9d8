"""How a plan came about and who vouches for it, as facts with their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from reconciler.planning.plan import Plan
from reconciler.planning.signing import signer
from reconciler.rendering.escape import label, safe, shorten
from reconciler.rendering.words import counted

_LONGEST = 500
_CREDENTIALS = re.compile("//[^/]*@")


def sources(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what the plan was made from: the directory, the files, how much there was, and the moment."""
    directory, desired, live = plan.directory, plan.desired, plan.live
    commit = f" at {short_commit(desired.commit)}" if desired.commit else ""
    sizes = (counted(live.users, "user"), counted(live.groups, "group"), counted(live.memberships, "membership"))
    yield "Directory", f"{label(directory.name)} ({safe(directory.dialect)}) at {host(directory.base_url)}"
    yield "Desired", f"{counted(desired.files, 'file')}{commit}"
    yield "Live", ", ".join(sizes) + ("" if plan.since is None else "; no more was read")
    yield "As of", safe(plan.as_of)


def host(base_url: str) -> str:
    """Return host and port alone: the rest of the URL is long, and may hold credentials."""
    try:
        parts = urlsplit(base_url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an unreadable URL"
    if not parts.hostname:
        return "an unreadable URL"
    return safe(f"[{parts.hostname}]{port}" if ":" in parts.hostname else f"{parts.hostname}{port}")


def without_credentials(base_url: str) -> str:
    """Return a URL without user and password."""
    return _CREDENTIALS.sub("//", base_url)


def short_commit(commit: str) -> str:
    """Return a commit by its first 12 digits, with what is appended to it (``+dirty``)."""
    name, plus, state = commit.partition("+")
    return safe(shorten(name[:12] + plus + state, _LONGEST))


def circumstances(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what a reviewer should know of why the plan is as it is; nothing for one of everything that is due."""
    if plan.redacted:
        yield "Redacted", f"ids or initials stand for people; this is plan {_shown(plan.digest or 'without a digest')}"
    if plan.undoes is not None:
        yield "Undoes", f"run {_shown(plan.undoes)}"
    if plan.reason is not None:
        yield "Reason", _shown(plan.reason)
    if plan.only:
        yield "Only", _listed(plan.only)
    if plan.exclude:
        yield "Excluded", _listed(plan.exclude)


def confines(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the change of the files that the plan is confined to; nothing for a plan of everything."""
    if plan.since is not None:
        touched = f"{counted(plan.since.users, 'user')} and {counted(plan.since.groups, 'group')}"
        yield "Since", f"{_shown(plan.since.ref)} ({short_commit(plan.since.commit)}): {touched}, and nothing else"


def credentials(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what was allowed and why, and what proves that the plan is the one that was made."""
    for allowed in plan.allowances:
        yield "Allowed", f"{_shown(allowed.allowance)}: {_shown(allowed.reason)}"
    yield "Digest", _shown(plan.digest)
    yield "Signed by", "nobody" if plan.signature is None else f"key {signer(plan.signature)}"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(map(_shown, texts))


def _shown(text: str) -> str:
    return safe(shorten(text, _LONGEST))
