"""A service provider's ways as a workspace states them: ``*.dialect.yaml`` and ``directory.capabilities``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from reconciler.capabilities import Authority, Statement
from reconciler.config import DirectoryConfig
from reconciler.desired.phrases import either
from reconciler.desired.problems import Problems
from reconciler.desired.schema import SchemaChecks
from reconciler.desired.suggestions import Suggester
from reconciler.desired.whole_numbers import with_whole_numbers
from reconciler.desired.yaml_reader import Document
from reconciler.model import Origin, Source
from reconciler.scim.dialects import Dialect, dialect_names, is_dialect_file, load_dialect, read_statement


def read_statements(
    stated: Mapping[str, Any] | None, authority: Authority, written: Source, *path: str
) -> dict[str, Statement]:
    """Return what a file states of capabilities, each with its file and line as the source.

    Args:
        stated: valid by its schema.
        authority: who states it.
        written: the file.
        path: where in the file ``stated`` is.
    """
    return {
        name: read_statement(name, with_whole_numbers(value), authority, str(written.locate(*path, name)))
        for name, value in (stated or {}).items()
    }


def read_own_dialect(document: Document, checks: SchemaChecks, problems: Problems) -> Dialect | None:
    """Return the dialect that a file states, or ``None`` where ``problems`` tell that something is wrong with it."""
    value = {} if document.value is None else document.value
    sound = checks.dialect.accepts(value)
    if not sound:
        part = checks.dialect.explain(value, document, problems)
        value = part.value if part is not None else {}
    base: Mapping[str, Statement] = {}
    if "extends" in value:
        if not known_dialect(value["extends"], document.locate("extends"), problems):
            return None
        base = load_dialect(value["extends"]).capabilities
    if not sound:
        return None
    own = read_statements(value.get("capabilities"), Authority.DIALECT, document, "capabilities")
    return Dialect(
        name=document.file,
        description=value["description"],
        capabilities={**base, **own},
        extends=value.get("extends"),
    )


def known_dialect(name: str, origin: Origin, problems: Problems) -> bool:
    """Tell whether there is a dialect of this name; ``problems`` tell where there is none."""
    known = dialect_names()
    if name not in known:
        hint = Suggester().hint(name, known) or f"write {either(known)}"
        problems.error("dialect", f"there is no dialect {name!r}", origin, hint=hint, text=name)
    return name in known


def with_own_dialect(
    config: DirectoryConfig | None,
    dialect: str | None,
    directory: Document,
    files: Mapping[str, Dialect | None],
    problems: Problems,
) -> DirectoryConfig | None:
    """Return what ``directory.yaml`` says, with the dialect that it names the file of.

    Args:
        config: what it says, or ``None`` where something is wrong with its form.
        dialect: what it names, as far as that can be read.
        directory: the file.
        files: the dialect files of the workspace by their names; ``None`` for one that something is wrong with.
        problems: takes what is wrong.
    """
    if dialect is None or not is_dialect_file(dialect):
        return config
    if dialect in files:
        own = files[dialect]
        return None if config is None or own is None else dataclasses.replace(config, own_dialect=own)
    if not any(found.origin is not None and found.origin.file == dialect for found in problems.found):
        hint = Suggester().hint(dialect, files)
        origin = directory.locate("directory", "dialect")
        problems.error("dialect", f"there is no file {dialect!r} in the workspace", origin, hint=hint, text=dialect)
    return None


def warn_of_unused(files: Mapping[str, Dialect | None], dialect: str, problems: Problems) -> None:
    """Warn of dialect files that ``directory.yaml`` does not name."""
    for file in files:
        if file != dialect:
            problems.warning(
                "dialect",
                f"not used: directory.dialect is {dialect!r}",
                Origin(file, 1, 1),
                hint=f"write dialect: {file} in directory.yaml, or remove the file",
            )
