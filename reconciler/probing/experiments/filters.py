"""Which filters are honoured, refused, answered with nothing, or ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.attributes import Path
from reconciler.filters import eq
from reconciler.model import Kind
from reconciler.probing.bench import Bench
from reconciler.probing.errors import Undetermined
from reconciler.probing.seen import Seen, refusal
from reconciler.probing.stock import Made
from reconciler.scim.errors import ScimError

_ATTRIBUTES: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.USER: ("userName", "externalId", "id", "displayName", "emails.value"),
    Kind.GROUP: ("displayName", "externalId", "id"),
}
_HONOURED: Final = "honoured"


async def user_filters(bench: Bench) -> Seen:
    """Ask for one of three users by each attribute."""
    subject = bench.facts.users[1]
    told = {name: await _by(bench, subject, name) for name in _ATTRIBUTES[Kind.USER]}
    return _seen(told, "user_filters")


async def group_filters(bench: Bench) -> Seen:
    """Ask for the group by each attribute, and for one that does not exist: there may be no other group."""
    told = {name: await _by(bench, bench.group, name) for name in _ATTRIBUTES[Kind.GROUP]}
    for name, verdict in told.items():
        if verdict == _HONOURED:
            absent = await bench.attempt(bench.filtered(Kind.GROUP, eq(name, f"{bench.stock.mark}-absent")))
            if not isinstance(absent, ScimError) and absent:
                told[name] = "ignored: everything is answered"
    return _seen(told, "group_filters")


async def filter_operators(bench: Bench) -> Seen:
    """Ask for users with each operator, by attributes of which ``eq`` is honoured."""
    honoured = bench.facts.capabilities.user_filters
    first, second, third = bench.facts.users
    names = [name for name in _ATTRIBUTES[Kind.USER] if honoured is None or name in honoured]
    names = [name for name in names if all(_value(made, name) for made in (first, second))]
    if not names:
        raise Undetermined("no filter is honoured")
    name = names[0]
    one, two = _value(first, name), _value(second, name)
    sure = eq(name, one)
    ours = {made.known_id for made in (first, second, third)}
    questions: dict[str, tuple[str, set[str]]] = {
        "eq": (sure, {first.known_id}),
        "or": (f"{sure} or {eq(name, two)}", {first.known_id, second.known_id}),
        "not": (f'{name} sw "{bench.stock.mark}" and not ({sure})', ours - {first.known_id}),
        "sw": (f'{name} sw "{bench.stock.mark}"', ours),
        "co": (f'{name} co "{bench.stock.mark}"', ours),
    }
    if len(names) > 1:
        questions["and"] = (f"{sure} and {eq(names[1], _value(second, names[1]))}", set())
        same = f"{sure} and {eq(names[1], _value(first, names[1]))}"
        if await _answer(bench, same) != {first.known_id}:
            del questions["and"]
    works = [operator for operator, (text, ids) in questions.items() if await _answer(bench, text) == ids]
    unknown = await bench.attempt(bench.filtered(Kind.USER, eq("reconcilerProbe", "x")))
    outcome = refusal(unknown) if isinstance(unknown, ScimError) else "everything" if unknown else "nothing"
    return Seen(
        text=f"{', '.join(sorted(works)) or 'none'}, by {name}; a filter on an unknown attribute: {outcome}",
        states={"filter_operators": tuple(sorted(works))},
    )


async def _answer(bench: Bench, text: str) -> set[str] | None:
    """Return the ids that a filter finds, or ``None`` where it is refused."""
    found = await bench.attempt(bench.filtered(Kind.USER, text))
    return None if isinstance(found, ScimError) else set(found)


async def _by(bench: Bench, subject: Made, name: str) -> str:
    """Return what becomes of a filter for one resource."""
    value = _value(subject, name)
    if not value:
        return "not tried, it has no value"
    found = await bench.attempt(bench.settle(lambda: bench.filtered(subject.kind, eq(name, value)), bool))
    if isinstance(found, ScimError):
        return refusal(found)
    if not found:
        return "answered with nothing"
    return _HONOURED if set(found) == {subject.known_id} else "ignored: others are answered as well"


def _value(made: Made, name: str) -> str:
    """Return the value of an attribute as the server tells it, or ``""``."""
    path = Path.parse(name)
    if path.name == "emails":
        emails = Path("emails").get(made.row)
        rows: Sequence[object] = emails if isinstance(emails, list) else ()
        found = next((Path("value").get(row) for row in rows if isinstance(row, Mapping)), None)
    else:
        found = path.get(made.row)
    return found if isinstance(found, str) else ""


def _seen(told: Mapping[str, str], capability: str) -> Seen:
    verdicts: dict[str, list[str]] = {}
    for name, verdict in told.items():
        verdicts.setdefault(verdict, []).append(name)
    text = "; ".join(f"{', '.join(names)}: {verdict}" for verdict, names in verdicts.items())
    return Seen(text=text, states={capability: tuple(verdicts.get(_HONOURED, ()))})
