"""Directories that misread membership writes, each in its own way: what a real one was seen to do, form by form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from loopback import Reply, Request, error
from meddler import Forward, Meddle, look, with_body

PATCH_OP = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]


@dataclass(frozen=True)
class Writing:
    """A write of a group's members: its form, as ``add value-array``, and the members that it names."""

    request: Request
    form: str
    ids: tuple[str, ...]


Effect: TypeAlias = Callable[[Writing, Forward], Reply]


def writing(request: Request) -> Writing | None:
    """What a request is in terms of forms; a PUT is ``put`` whatever it changes."""
    if request.method not in ("PATCH", "PUT") or "/Groups/" not in request.path:
        return None
    body = request.json
    if request.method == "PUT":
        return Writing(request, "put", _values(body.get("members", [])))
    operations = body["Operations"]
    first = operations[0]
    if first["path"].startswith("members["):
        return Writing(request, "remove path-filter", tuple(one["path"].split('"')[1] for one in operations))
    value = first.get("value")
    nested = isinstance(value, dict)
    members = value["members"] if nested else value
    return Writing(request, f"{first['op']} {'nested-value' if nested else 'value-array'}", _values(members))


def _values(members: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(one["value"] for one in members)


def misreading(**effects: Effect) -> Meddle:
    """A directory that knows every form, except for those named (``add_value_array``), which have these effects."""
    by_form = {name.replace("_", " ", 1).replace("_", "-"): effect for name, effect in effects.items()}

    def meddle(request: Request, forward: Forward) -> Reply:
        found = writing(request)
        return forward(request) if found is None else by_form.get(found.form, works)(found, forward)

    return meddle


def patch(found: Writing, forward: Forward, *operations: Mapping[str, Any]) -> Reply:
    body = {"schemas": PATCH_OP, "Operations": operations}
    return forward(with_body(replace(found.request, method="PATCH"), body))


def works(found: Writing, forward: Forward) -> Reply:
    if found.form == "put":
        return forward(found.request)
    if found.form.startswith("add"):
        return patch(found, forward, {"op": "add", "path": "members", "value": [{"value": one} for one in found.ids]})
    return patch(found, forward, *({"op": "remove", "path": f'members[value eq "{one}"]'} for one in found.ids))


def ignores(found: Writing, forward: Forward) -> Reply:
    return look(found.request, forward)


def empties(found: Writing, forward: Forward) -> Reply:
    return patch(found, forward, {"op": "remove", "path": "members"})


def replaces(found: Writing, forward: Forward) -> Reply:
    return patch(found, forward, {"op": "replace", "path": "members", "value": [{"value": one} for one in found.ids]})


def merges(found: Writing, forward: Forward) -> Reply:
    return patch(found, forward, {"op": "add", "path": "members", "value": [{"value": one} for one in found.ids]})


def refuses(status: int) -> Effect:
    def effect(_found: Writing, _forward: Forward) -> Reply:
        return Reply(500, b"<html>") if status == 500 else error(status, "not like this")

    return effect


def truncates(at: int) -> Effect:
    return lambda found, forward: works(replace(found, ids=found.ids[:at]), forward)


def carries_out_the_first(found: Writing, forward: Forward) -> Reply:
    return works(replace(found, ids=found.ids[:1]), forward)


def forms_sent(requests: Sequence[Request]) -> list[str]:
    """The forms of all membership writes, in the order in which they were sent."""
    return [found.form for request in requests if (found := writing(request)) is not None]
