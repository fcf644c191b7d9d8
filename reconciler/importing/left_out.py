"""What an import could not or must not write down, and why: nothing is lost silently."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One sort of thing that the directory holds and the files do not.

    Attributes:
        code: stable and machine-readable: ``duplicate-name``, ``unusable-value``.
        what: what was left out, in the plural where it may be many: ``emails``, ``memberships``, ``user``.
        why: the reason, as the end of a sentence.
        addresses: the resources concerned, in the order of the directory's names: ``user:ada@example.com``.
        count: how many things were left out; more than there are addresses where one resource has several.
    """

    code: str
    what: str
    why: str
    addresses: tuple[str, ...]
    count: int

    def __str__(self) -> str:
        examples = ", ".join(self.addresses[:_EXAMPLES])
        more = len(self.addresses) - _EXAMPLES
        return f"{self.what}: {self.why} ({examples}{f' and {more} more' if more > 0 else ''})"

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form: all fields, with every address."""
        return {
            "code": self.code,
            "what": self.what,
            "why": self.why,
            "addresses": list(self.addresses),
            "count": self.count,
        }


@dataclass(slots=True)
class LeftOutLog:
    """Collects what is left out: one entry for the same thing in many resources."""

    _found: dict[tuple[str, str, str], dict[str, int]] = field(default_factory=dict)

    def add(self, code: str, what: str, why: str, address: str, count: int = 1) -> None:
        """Note that ``count`` of ``what`` were left out of one resource, or that the resource itself was."""
        addresses = self._found.setdefault((code, what, why), {})
        addresses[address] = addresses.get(address, 0) + count

    def entries(self) -> tuple[LeftOut, ...]:
        """Return everything that was noted, sorted."""
        return tuple(
            LeftOut(code=code, what=what, why=why, addresses=tuple(sorted(addresses)), count=sum(addresses.values()))
            for (code, what, why), addresses in sorted(self._found.items())
        )
