"""Names under ``protect`` that no file lists: right where only the directory has them, and mostly misspelt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.attributes import fold
from reconciler.config import Protection
from reconciler.desired.problems import Problems
from reconciler.desired.suggestions import Suggester
from reconciler.model import Kind, Source


def warn_of_unlisted(
    protection: Protection,
    names: Mapping[Kind, Mapping[str, str]],
    written: Source,
    suggester: Suggester,
    problems: Problems,
) -> None:
    """Warn of names of users and groups under ``protect`` that no file lists. Patterns may match nobody.

    Args:
        protection: what ``protect`` says.
        names: the names of all listed users and groups as written, by kind and folded.
        written: what ``directory.yaml`` was read from.
        suggester: guesses who was meant.
        problems: takes the warnings.
    """
    for kind, name, path in _named(protection):
        listed = names[kind]
        if fold(name) not in listed:
            hint = suggester.hint(name, listed.values()) or "nothing is wrong where only the directory has it"
            message = f"protect.{path[0]} names the {kind.value.lower()} {name!r}, which no file lists"
            problems.warning("protect", message, written.locate("protect", *path), hint=hint)


def _named(protection: Protection) -> Iterator[tuple[Kind, str, tuple[str | int, ...]]]:
    for index, user in enumerate(protection.break_glass):
        yield Kind.USER, user, ("break_glass", index)
    for group in protection.min_members:
        yield Kind.GROUP, group, ("min_members", group)
    for group, users in protection.required_members.items():
        yield Kind.GROUP, group, ("required_members", group)
        for index, user in enumerate(users):
            yield Kind.USER, user, ("required_members", group, index)
