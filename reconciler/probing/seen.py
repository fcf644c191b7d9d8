"""What experiments are made of: a question, what was seen, and the capabilities that follow from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.capabilities import AttributeRule
from reconciler.probing.bench import Bench
from reconciler.scim.errors import RequestRefused, ScimError


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one experiment has shown.

    Attributes:
        text: in words, for a person and for the source of what is stated.
        states: the value of each capability that follows, by its name.
        rules: what follows for single attributes, in spite of ``/Schemas``.
    """

    text: str
    states: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[AttributeRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One question to the server.

    Attributes:
        question: as a person would ask it.
        answer: asks it. It raises ``Undetermined``, or ScimError, where there is no answer.
        groups: whether it needs groups.
    """

    question: str
    answer: Callable[[Bench], Awaitable[Seen]]
    groups: bool = False


def refusal(error: ScimError) -> str:
    """Return how a server said no, in a few words: ``refused (400 invalidFilter)``, ``failed (500)``."""
    said = " ".join(str(part) for part in (error.status, error.scim_type) if part is not None)
    verb = "refused" if isinstance(error, RequestRefused) else "failed"
    return f"{verb} ({said})" if said else "without an answer"
