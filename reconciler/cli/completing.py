"""What a shell offers behind an option or in the place of an argument.

Quick and forgiving: it reads files and the store of this machine as they are, half written perhaps, asks no directory,
writes nothing, and offers nothing where it finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import quote

import click
from click.shell_completion import CompletionItem

from reconciler.cli.terminal import Terminal

Completer: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_MOST: Final = 200
"""Words offered at once. Nobody reads more, and the next letter leaves fewer."""
_MOST_BYTES: Final = 32 * 1024 * 1024
"""Of all files together that are searched for names."""

_NAME: Final = r"""\s*:\s*(?:"([^"\\\n]+)"|'([^'\n]+)'|([^\s"'#\[\]{},][^\n#{},]*))"""
_USER_NAME: Final = re.compile(rf"\buserName{_NAME}")
_GROUP_NAME: Final = re.compile(rf"\bdisplayName{_NAME}")
_GROUPS: Final = re.compile(r"^groups\s*:", re.MULTILINE)
_USERS: Final = re.compile(r"^users\s*:", re.MULTILINE)
_ADDRESS: Final = re.compile(r'"user:([^"\\\n]+)"')


def folders(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001  click's signature
    """Leave folders to the shell, which knows them best."""
    return [CompletionItem(incomplete, type="dir")]


def runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001  likewise
    """Offer the last runs in the store of the workspace, the newest first, each with its command and its beginning."""
    store = _workspace(context) / ".reconciler" / "store.db"
    if not store.is_file():
        return []
    # Imported now, because most command lines ask for none.
    import sqlite3

    asked = "SELECT id, command, started FROM runs WHERE substr(id, 1, ?) = ? ORDER BY started DESC LIMIT ?"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(store.resolve()))}?mode=ro", uri=True, timeout=1)) as connection:
            found = connection.execute(asked, (len(incomplete), incomplete, _MOST)).fetchall()
    except sqlite3.Error:
        return []
    return [CompletionItem(run, help=f"{command} {started[:16]}") for run, command, started in found if _is_plain(run)]


def users(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001  likewise
    """Offer the people whom the files name; behind a plan, those whom the plan names."""
    plan = _plan_of(context)
    texts = _texts(_workspace(context)) if plan is None else iter([_read(plan)])
    form = _USER_NAME if plan is None else _ADDRESS
    return _offered((_first(match) for text in texts for match in form.finditer(text)), incomplete)


def groups(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001  likewise
    """Offer the groups that the files name."""
    return _offered(_groups(_workspace(context)), incomplete)


def selectors(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the addresses of users and groups that the files name, kind first."""
    kind, colon, name = incomplete.partition(":")
    if not colon:
        return _offered(("user:", "group:"), incomplete)
    complete = {"user": users, "group": groups}.get(kind)
    if complete is None:
        return []
    return [CompletionItem(f"{kind}:{one.value}") for one in complete(context, parameter, name)]


def guards(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001  likewise
    """Offer the guards that can be lifted, each in the form that it takes."""
    from reconciler.planning.guarding import LIFTABLE

    forms = (f"{name}=" if how.with_number else name for name, how in LIFTABLE.items() if how.with_number or how.whole)
    return _offered(forms, incomplete)


def dialects(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001  likewise
    """Offer the dialects that are known."""
    from reconciler.scim.dialects import dialect_names

    return _offered(dialect_names(), incomplete)


def _workspace(context: click.Context) -> Path:
    return context.ensure_object(Terminal).workspace


def _plan_of(context: click.Context) -> Path | None:
    """Return the plan file on the command line. One behind which an option has no value yet is not read by click."""
    words = [context.params.get("file"), *context.args]
    return next((Path(word) for word in words if word and Path(word).is_file()), None)


def _groups(workspace: Path) -> Iterator[str]:
    for text in _texts(workspace):
        # A user has a displayName too: what stands below `users:` is no group.
        begin = _GROUPS.search(text)
        if begin is not None:
            end = _USERS.search(text, begin.end())
            for match in _GROUP_NAME.finditer(text, begin.end(), end.start() if end else len(text)):
                yield _first(match)


def _texts(workspace: Path) -> Iterator[str]:
    left = _MOST_BYTES
    for path in sorted((*workspace.rglob("*.yaml"), *workspace.rglob("*.yml"))):
        if left > 0 and not any(part.startswith(".") for part in path.relative_to(workspace).parts):
            text = _read(path)
            left -= len(text)
            yield text


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return ""


def _first(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None).strip()


def _offered(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    folded = incomplete.casefold()
    found = dict.fromkeys(name for name in names if name.casefold().startswith(folded) and _is_plain(name))
    return [CompletionItem(name) for name in list(found)[:_MOST]]


def _is_plain(name: str) -> bool:
    """Tell whether a name goes through the protocols of all shells as it is; others are left to be typed."""
    return name.isprintable() and "," not in name and "\ufffd" not in name
