"""The throw-away resources of one probe: written down before they are made, so that none of them is forgotten."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.attributes import fold
from reconciler.model import Kind

NAME_PREFIX: Final = "reconciler-probe-"
"""How the names of everything begin that a probe makes."""


@dataclass(slots=True, kw_only=True, eq=False)
class Made:
    """One throw-away resource.

    Attributes:
        kind: user or group.
        name: its ``userName`` or ``displayName``, as it was sent.
        id: the server's; ``None`` as long as no answer has told it.
        row: as the server last sent it.
    """

    kind: Kind
    name: str
    id: str | None = None
    row: dict[str, Any] = field(default_factory=dict)

    @property
    def known_id(self) -> str:
        """The server's id of a resource that is known to exist."""
        if self.id is None:
            raise ValueError(f"{self.name} has no id yet")
        return self.id


@dataclass(slots=True)
class Stock:
    """What one probe has made, and what it calls it.

    Attributes:
        email_domain: the domain of the e-mail addresses that users get.
        mark: what everything of this probe carries in its name, and nothing else in the directory does.
        made: what was or may have been made, in that order.
    """

    email_domain: str
    mark: str = field(default_factory=lambda: NAME_PREFIX + secrets.token_hex(5))
    made: list[Made] = field(default_factory=list)
    _count: int = field(default=0, init=False)

    def next_name(self, kind: Kind) -> str:
        """Return a name that nothing has yet: a user's is an e-mail address, which many servers want it to be.

        It has a capital letter, so that servers show what they make of those.
        """
        self._count += 1
        name = f"{self.mark}-{kind[0]}{self._count}"
        return f"{name}@{self.email_domain}" if kind is Kind.USER else name

    def owns(self, row: object) -> bool:
        """Tell whether a resource carries the mark of this probe in any of its own values.

        What others show for it, its groups and members, does not count: those are not itself.
        """
        if not isinstance(row, dict):
            return False
        return any(self._marked(value) for name, value in row.items() if fold(name) not in ("groups", "members"))

    def _marked(self, value: object) -> bool:
        if isinstance(value, str):
            return fold(self.mark) in fold(value)
        if isinstance(value, dict):
            return any(map(self._marked, value.values()))
        return isinstance(value, list) and any(map(self._marked, value))
