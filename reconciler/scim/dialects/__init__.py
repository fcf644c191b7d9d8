"""What a given service provider does differently, as data with a source for every line.

One YAML file per dialect in this folder; a workspace may hold files of its own in the same form, ``*.dialect.yaml``.
A dialect's ``capabilities`` hold whatever the server says of itself; everything that it leaves out is found by
discovery. Each is written as ``{value: …, source: …}``, or as the value alone. A file of this folder has no value
without its source: a page of the vendor, an issue; or ``assumed; …`` with the reason why::

    description: Acme's directory.
    extends: generic
    capabilities:
      page_size: {value: 50, source: https://docs.example.com/scim#paging}
      nested_groups: true
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

import yaml

from reconciler.capabilities import Authority, Statement, read_value
from reconciler.config import DirectoryConfig
from reconciler.diagnostics import ReconcilerError

GENERIC: Final = "generic"
DIALECT_SUFFIX: Final = ".dialect.yaml"
"""How the names of a workspace's own dialect files end."""


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
        capabilities: what holds whatever the server says, by the name of the capability.
        extends: the dialect of this package that holds where this one is silent, if it names one.
    """

    name: str
    description: str
    capabilities: Mapping[str, Statement] = field(default_factory=dict)
    extends: str | None = None


def dialect_names() -> tuple[str, ...]:
    """Return the names of all dialects of this package, sorted."""
    files = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml")))


def load_dialect(name: str) -> Dialect:
    """Return a dialect of this package by its name.

    Raises:
        DialectError: there is none of that name; the message names the nearest.
    """
    known = dialect_names()
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1)
        guess = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        raise DialectError(name, f"there is no dialect {name!r}; {guess}", known)
    document = yaml.safe_load(resources.files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    return read_dialect(name, document)


def read_dialect(name: str, document: Mapping[str, Any]) -> Dialect:
    """Return a dialect from its file's content.

    Raises:
        DialectError: it extends what does not exist, or states what is no capability.
    """
    base = load_dialect(document["extends"]).capabilities if "extends" in document else {}
    own: dict[str, Statement] = {}
    for capability, stated in (document.get("capabilities") or {}).items():
        try:
            own[capability] = read_statement(capability, stated, Authority.DIALECT)
        except ValueError as error:
            raise DialectError(name, f"dialect {name!r}: {capability}: {error}") from None
    return Dialect(
        name=name,
        description=document["description"],
        capabilities={**base, **own},
        extends=document.get("extends"),
    )


def read_statement(name: str, stated: Any, authority: Authority, place: str = "") -> Statement:
    """Return what is stated of one capability, in either of its two forms.

    Args:
        name: the capability.
        stated: its value, or ``{value: …, source: …}``.
        authority: who states it.
        place: where it is stated, as ``acme.dialect.yaml:4``. The source that is named beside the value follows it.

    Raises:
        ValueError: there is no such capability, or it cannot have this value.
    """
    value, source = (stated.get("value"), stated.get("source", "")) if isinstance(stated, Mapping) else (stated, "")
    told = f"{place} ({source})" if place and source else place or source
    return Statement(value=read_value(name, value), authority=authority, source=told)


def is_dialect_file(path: str) -> bool:
    """Tell whether a path is that of a dialect's file and not the name of a dialect of this package."""
    return path.endswith(DIALECT_SUFFIX)


def dialect_of(config: DirectoryConfig) -> Dialect:
    """Return the dialect that ``directory.yaml`` names, under what it states itself.

    Raises:
        DialectError: there is none of that name.
    """
    named = config.own_dialect or load_dialect(config.dialect)
    return Dialect(
        name=config.dialect,
        description=named.description,
        capabilities={**named.capabilities, **config.capabilities},
    )
