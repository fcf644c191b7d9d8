"""What a given service provider does differently, as data with a source for every line.

One YAML file per dialect in this folder. Its ``capabilities`` override what the server says of itself; everything that
it leaves out is found by discovery.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from typing import Any

import yaml

from reconciler.capabilities import Capabilities, UserDelete
from reconciler.diagnostics import ReconcilerError


class DialectError(ReconcilerError):
    """A dialect that does not exist, or whose file does not say what it should.

    Attributes:
        name: the name that was asked for.
        known: the names that exist.
    """

    def __init__(self, name: str, problem: str, known: tuple[str, ...] = ()) -> None:
        self.name = name
        self.known = known
        super().__init__(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A service provider's ways.

    Attributes:
        name: what ``directory.yaml`` calls it.
        description: what it is for, in a sentence.
        capabilities: fields of :class:`~reconciler.capabilities.Capabilities` that hold whatever the server says.
    """

    name: str
    description: str
    capabilities: Mapping[str, Any] = field(default_factory=dict)


def dialect_names() -> tuple[str, ...]:
    """Return the names of all dialects, sorted."""
    files = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml")))


def load_dialect(name: str) -> Dialect:
    """Return a dialect by its name.

    Raises:
        DialectError: there is none of that name; the message names the nearest.
    """
    known = dialect_names()
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1)
        guess = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        raise DialectError(name, f"there is no dialect {name!r}; {guess}", known)
    document = yaml.safe_load(resources.files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    return Dialect(
        name=name,
        description=document["description"],
        capabilities=_capabilities(name, document.get("capabilities") or {}),
    )


def _capabilities(name: str, stated: Mapping[str, Any]) -> dict[str, Any]:
    unknown = stated.keys() - {known.name for known in fields(Capabilities)}
    if unknown:
        raise DialectError(name, f"dialect {name!r} states unknown capabilities: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in stated.items()}
    if "user_delete" in values:
        values["user_delete"] = UserDelete(values["user_delete"])
    return values
