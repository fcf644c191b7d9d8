"""Members that are written to a group in one request, and what was tried with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from reconciler.applying.forms import Form, Weight
from reconciler.applying.progress import Progress
from reconciler.scim.errors import OutcomeUnknown


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a form."""

    weight: Weight
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Members of one step that are written together.

    Attributes:
        progress: the step.
        ids: who.
        tried: the forms that came to nothing for them.
        impossible: the forms that cannot be used for them.
        narrowed: how many of a larger batch the server kept, where they are what is left of it.
        tries: requests whose answer was lost, or that met another version.
        form: what they were last sent in.
        lost: the error, where no answer came.
        ahead: whether they were named by references to their creations in the same bulk request.
    """

    progress: Progress
    ids: tuple[str, ...]
    tried: dict[Form, Attempt] = field(default_factory=dict)
    impossible: dict[Form, str] = field(default_factory=dict)
    narrowed: int = 0
    tries: int = 0
    form: Form | None = None
    lost: OutcomeUnknown | None = None
    ahead: bool = False

    def halves(self) -> tuple[Batch, Batch]:
        """Return two batches of half the size."""
        middle = len(self.ids) // 2
        return replace(self, ids=self.ids[:middle]), replace(self, ids=self.ids[middle:])

    def refuse(self, why: str) -> None:
        """Record why these memberships do not come about."""
        for member_id in self.ids:
            self.progress.refusals.add(self.progress.members[member_id], why, member_id)
