"""What has to be unique, and whether letter case counts in names."""

from __future__ import annotations

from typing import Any, Final

from reconciler.attributes import Path
from reconciler.capabilities import AttributeRule
from reconciler.filters import eq
from reconciler.model import Kind
from reconciler.probing.bench import Bench
from reconciler.probing.errors import Undetermined
from reconciler.probing.experiments.creating import user_body
from reconciler.probing.seen import Seen, refusal
from reconciler.probing.stock import Made
from reconciler.scim.errors import RequestRefused, ScimError

_USER_KEYS: Final = ("userName", "externalId", "emails")
_GROUP_KEYS: Final = ("displayName", "externalId")


async def unique_keys(bench: Bench) -> Seen:
    """Make second users and groups that share one value with the first."""
    told: dict[str, str] = {}
    unique: list[str] = []
    subjects: list[tuple[Kind, Made, tuple[str, ...]]] = [(Kind.USER, bench.facts.users[1], _USER_KEYS)]
    if bench.facts.group is not None:
        subjects.append((Kind.GROUP, bench.facts.group, _GROUP_KEYS))
    for kind, subject, keys in subjects:
        await bench.refresh(subject)
        for key in keys:
            value = Path(key).get(subject.row)
            if not value:
                continue
            second = await _second(bench, kind, {key: value}, subject)
            told[f"{kind}.{key}"] = second or "may be shared"
            if second is not None:
                unique.append(f"{kind}.{key}")
    return Seen(
        text="; ".join(f"a second {key}: {verdict}" for key, verdict in told.items()),
        states={"unique_keys": tuple(unique)},
    )


async def case_of_users(bench: Bench) -> Seen:
    """Look for a user, and make another one, by a ``userName`` in capitals."""
    return await _case(bench, Kind.USER, bench.facts.users[1])


async def case_of_groups(bench: Bench) -> Seen:
    """Look for a group, and make another one, by a ``displayName`` in capitals."""
    return await _case(bench, Kind.GROUP, bench.group)


async def _case(bench: Bench, kind: Kind, subject: Made) -> Seen:
    attribute = kind.naming_attribute
    await bench.refresh(subject)
    name = Path(attribute).get(subject.row)
    if not isinstance(name, str):
        raise Undetermined(f"the server does not tell the {attribute}")
    capitals = name.swapcase()
    looked = "not asked for"
    if bench.facts.capabilities.filters(kind, attribute):
        found = await bench.attempt(bench.filtered(kind, eq(attribute, capitals)))
        if isinstance(found, ScimError):
            looked = refusal(found)
        else:
            looked = "found" if subject.known_id in found else "not found"
    if not bench.facts.capabilities.unique(kind, attribute):
        return Seen(
            text=f"with small and capital letters swapped it is {looked}; names may be shared, so nothing else shows"
        )
    second = await _second(bench, kind, {attribute: capitals}, subject)
    if second is None:
        # No rule follows: to take "Ada" and "ada" for two would make a second account where a file spells it otherwise.
        return Seen(text=f"with small and capital letters swapped it is {looked}; another one can be made")
    definition = Path(attribute).definition(bench.schema(kind))
    exact = definition is not None and definition.case_exact
    rules = (AttributeRule(path=f"{kind}.{attribute}", case_exact=False),) if exact else ()
    return Seen(text=f"with small and capital letters swapped it is {looked}; another one: {second}", rules=rules)


async def _second(bench: Bench, kind: Kind, shared: dict[str, Any], subject: Made) -> str | None:
    """Make a second resource that shares a value, and return how the server said no; ``None`` where it can be made.

    What can be made goes at once.
    """
    name = bench.stock.next_name(kind)
    if kind is Kind.USER:
        body = user_body(name, bench.facts.shape, **shared)
    else:
        body = {"schemas": [kind.schema], "displayName": name, **shared}
        if bench.facts.first_members:
            body["members"] = [{"value": one} for one in bench.facts.first_members]
    made = await bench.attempt(bench.create(kind, body))
    if isinstance(made, RequestRefused):
        return refusal(made)
    if isinstance(made, ScimError):
        return await _resolve(bench, kind, str(body[kind.naming_attribute]), subject, made)
    if made.id == subject.id:
        bench.forget(made)
        return "answered with the first one"
    await bench.attempt(bench.remove(made))
    return None


async def _resolve(bench: Bench, kind: Kind, name: str, subject: Made, failure: ScimError) -> str | None:
    """Find out what became of a creation that the server failed at."""
    if not bench.facts.capabilities.filters(kind, kind.naming_attribute):
        raise failure
    pending = next(one for one in reversed(bench.stock.made) if one.id is None)
    found = await bench.filtered(kind, eq(kind.naming_attribute, name))
    others = [one for one in found if one != subject.id]
    if not others:
        bench.forget(pending)
        return refusal(failure)
    pending.id = others[0]
    await bench.attempt(bench.remove(pending))
    return None
