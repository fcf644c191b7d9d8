"""How a plan came about and who vouches for it, as facts with their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.planning.plan import Plan
from reconciler.planning.signing import signer
from reconciler.rendering.escape import safe, shorten

_LONGEST = 500


def circumstances(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what a reviewer should know of why the plan is as it is; nothing for one of everything that is due."""
    if plan.undoes is not None:
        yield "Undoes", f"run {_shown(plan.undoes)}"
    if plan.reason is not None:
        yield "Reason", _shown(plan.reason)
    if plan.only:
        yield "Only", _listed(plan.only)
    if plan.exclude:
        yield "Excluded", _listed(plan.exclude)


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
