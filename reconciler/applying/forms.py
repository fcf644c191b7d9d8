"""What one run learns about the ways of writing memberships: which form works, which is safe, which does harm.

The same membership change can be written in several forms, and real servers misread some of them: they refuse, do
nothing, empty the group, or take a list of additions for the whole list. The service provider's declared form is used
first; where it turns out wrong, the next one of a ladder. What was found out holds for the rest of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeAlias

from reconciler.capabilities import Capabilities, MemberAdd, MemberRemove
from reconciler.planning.plan import Action

Form: TypeAlias = MemberAdd | MemberRemove

ADDING: Final[tuple[Form, ...]] = (MemberAdd.VALUE_ARRAY, MemberAdd.NESTED_VALUE, MemberAdd.PUT)
# PUT comes second: it says whole who shall be in the group, so a server that ignores it does no harm, while one that
# ignores the value of a removal empties the group.
REMOVING: Final[tuple[Form, ...]] = (
    MemberRemove.PATH_FILTER,
    MemberRemove.PUT,
    MemberRemove.VALUE_ARRAY,
    MemberRemove.NESTED_VALUE,
)

_ENOUGH = 5
"""The weight of evidence after which no form is taken to work."""


class Proof(IntEnum):
    """What is known of a form."""

    NONE = 0
    """It was not used yet, or to no effect."""
    WORKS = 1
    """It did what it should, in a group where nobody else could come to harm."""
    SAFE = 2
    """It did what it should, and everybody else stayed."""


class Weight(IntEnum):
    """How much it says against all forms that none of them changed one membership."""

    REFUSED = 1
    """The member itself may be the reason."""
    IGNORED = 2
    """Accepted, and nothing changed."""
    UNSUPPORTED = 5
    """Every form was called unsupported, failed, or did harm."""


@dataclass(slots=True)
class Forms:
    """The forms of adding, or of removing, members in one run.

    Attributes:
        ladder: all forms that the service provider's verbs allow, the declared one first.
        limit: members that one request may carry.
        verdict: why no further such change is sent in this run.
        gate: held by whoever uses a form that is not proven, so that it is done to one group at a time.
    """

    action: Action
    ladder: tuple[Form, ...]
    limit: int
    max_operations: int
    verdict: str | None = None
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)
    _proof: dict[Form, Proof] = field(default_factory=dict)
    _disproven: dict[Form, str] = field(default_factory=dict)
    _against: dict[tuple[str, str], Weight] = field(default_factory=dict)
    _before: int = 0
    _clear: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, action: Action, capabilities: Capabilities) -> Forms:
        """Return what is known before the first write."""
        adds = action is Action.ADD_MEMBERS
        declared: Form = capabilities.member_add if adds else capabilities.member_remove
        ladder = dict.fromkeys((declared, *(ADDING if adds else REMOVING)))
        possible = tuple(
            form for form in ladder if (capabilities.put_groups if is_put(form) else capabilities.patch_groups)
        )
        return cls(
            action=action,
            ladder=possible,
            limit=max(1, capabilities.max_members_per_patch),
            max_operations=max(1, capabilities.max_operations_per_patch),
        )

    @property
    def usable(self) -> tuple[Form, ...]:
        """The forms that nothing speaks against, those that have worked first."""
        left = (form for form in self.ladder if form not in self._disproven)
        return tuple(sorted(left, key=lambda form: self.proof(form) is Proof.NONE))

    @property
    def disproven(self) -> Mapping[Form, str]:
        """The forms that are not used any more in this run, and what each of them did."""
        return dict(self._disproven)

    def proof(self, form: Form) -> Proof:
        """Return what is known of a form."""
        return self._proof.get(form, Proof.NONE)

    def size(self, form: Form) -> int:
        """Return how many members a request of this form may carry."""
        by_operation = form is MemberRemove.PATH_FILTER
        return min(self.limit, self.max_operations) if by_operation else self.limit

    def prove(self, form: Form, proof: Proof) -> None:
        """Record that a form did what it should."""
        self._proof[form] = max(proof, self.proof(form))
        if proof is Proof.SAFE:
            self._clear.set()
        self._against.clear()

    def disprove(self, form: Form, why: str) -> None:
        """Record that a form is not to be used again. Where it was the last one, that is the verdict."""
        self._disproven.setdefault(form, why)
        if not self.usable:
            self.verdict = self.verdict or self.tell(self._disproven)

    def expect(self, groups: int) -> None:
        """Announce how many groups are about to use the forms that need no minimum of members."""
        self._before = groups
        if not groups:
            self._clear.set()
        elif Proof.SAFE not in self._proof.values():
            self._clear.clear()

    def done(self) -> None:
        """Record that one of those groups is through, whatever became of it."""
        self._before -= 1
        if self._before <= 0:
            self._clear.set()

    async def others_first(self) -> None:
        """Wait until the groups that need no minimum have found out what is safe, or are all through.

        A form that does harm takes members away before they are put back.
        """
        if self._before > 0:
            await self._clear.wait()

    def shrink(self, size: int) -> None:
        """Record that a request may carry no more members than that."""
        self.limit = max(1, min(self.limit, size))

    def fruitless(self, group_id: str, member_id: str, weight: Weight, told: str) -> None:
        """Record that no form changed one membership; where that happens too often, it is the verdict.

        A form that has worked once works: then it is about single members.
        """
        if any(self._proof.values()):
            return
        edge = group_id, member_id
        self._against[edge] = max(weight, self._against.get(edge, weight))
        if sum(self._against.values()) >= _ENOUGH:
            self.verdict = self.verdict or told

    def tell(self, tried: Mapping[Form, str]) -> str:
        """Return what was tried and what came of it, for a person."""
        verb, key = ("adds", "member_add") if self.action is Action.ADD_MEMBERS else ("removes", "member_remove")
        told = "; ".join(f"{form.value}: {what}" for form, what in tried.items())
        return f"no form that is known {verb} members in this directory ({key}; {told or 'none is possible'})"


def is_put(form: Form) -> bool:
    """Tell whether a form writes the whole group."""
    return form.value == MemberRemove.PUT.value
