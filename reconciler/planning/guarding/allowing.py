"""Guards lifted for one run: which ones ``--allow`` may name, in what form, and which allowances were of use."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from reconciler.attributes import fold
from reconciler.config import Allowance, Policy
from reconciler.planning.plan import Allowed, Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Liftable:
    """In which forms ``--allow`` may name a guard.

    Attributes:
        with_number: ``GUARD=N``: another limit for the whole plan.
        whole: ``GUARD``: lifted for the whole plan.
        by_address: ``ADDRESS/GUARD`` and ``ADDRESS/GUARD=N``: lifted for one resource.
    """

    with_number: bool = False
    whole: bool = False
    by_address: bool = False


_A_LIMIT: Final = Liftable(with_number=True)

LIFTABLE: Final[Mapping[str, Liftable]] = MappingProxyType(
    {
        "users.create": _A_LIMIT,
        "users.update": _A_LIMIT,
        "users.deactivate": _A_LIMIT,
        "users.delete": _A_LIMIT,
        "groups.create": _A_LIMIT,
        "groups.delete": _A_LIMIT,
        "members.remove": Liftable(with_number=True, by_address=True),
        "memberships.remove": _A_LIMIT,
        "identity.change": _A_LIMIT,
        "users.empty": Liftable(whole=True),
        "groups.empty": Liftable(whole=True),
        "live.shrink": Liftable(whole=True),
        "privileged": Liftable(by_address=True),
    }
)
"""The guards that ``--allow`` can lift. All others hold until somebody changes a file."""


def flag(guard: str, *, count: int | None = None, subject: str | None = None) -> str:
    """Return the exact options that allow something once, quoted for a POSIX shell: names are foreign text."""
    return f'--allow {shlex.quote(str(Allowance(guard=guard, count=count, subject=subject)))} --reason "…"'


class Allowances:
    """The allowances of one plan, and which of them a refusal asked for.

    Without a reason there is nothing to record, and a guard that is lifted in silence is none: then nothing is lifted.
    """

    def __init__(self, policy: Policy) -> None:
        self._reason = (policy.reason or "").strip()
        self._given = policy.allowances
        self._asked: set[Allowance] = set()

    @property
    def reason(self) -> str:
        """Why guards are lifted, in the author's words; empty where nothing is lifted."""
        return self._reason

    def find(self, guard: str, subject: str | None = None) -> Allowance | None:
        """Return the most generous allowance that a guard has for a resource, or for the whole plan; else ``None``."""
        if not self._reason:
            return None
        found = [one for one in self._given if one.guard == guard and _covers(one, subject)]
        self._asked.update(found)
        return max(found, key=lambda one: float("inf") if one.count is None else one.count, default=None)

    def unused(self) -> Iterator[Note]:
        """Yield a note for each allowance that no refusal asked for."""
        for one in dict.fromkeys(self._given):
            if one not in self._asked:
                why = "" if self._reason else ": no reason was given"
                why = why if one.guard in LIFTABLE else f": nothing lifts {one.guard} for one run"
                yield Note(severity="note", code="unused-allowance", message=f"--allow {one} lifted nothing{why}")


def recorded(policy: Policy) -> tuple[Allowed, ...]:
    """Return the allowances as a plan records them, each with the reason."""
    reason = (policy.reason or "").strip()
    return tuple(Allowed(allowance=str(one), reason=reason) for one in dict.fromkeys(policy.allowances) if reason)


def _covers(allowance: Allowance, subject: str | None) -> bool:
    if allowance.subject is None:
        # What needs an allowance of its own is not lifted for everything at once.
        return allowance.guard not in LIFTABLE or LIFTABLE[allowance.guard] != Liftable(by_address=True)
    return subject is not None and fold(allowance.subject) == fold(subject)
