"""What a step was planned from, as a digest that can be computed again from the live resource before the write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from reconciler.attributes import Path, ResourceSchema, canonical
from reconciler.model import LiveGroup, LiveResource
from reconciler.planning.plan import Precondition

MEMBERS = "members"


def digest(resource: LiveResource, paths: Iterable[str], schema: ResourceSchema) -> str:
    """Return ``sha256:…`` over a live resource's id and its canonical values at ``paths``.

    Values that SCIM calls equal give the same digest, so a server that answers in another order or another case does
    not make a plan stale.
    """
    values: dict[str, object] = {"id": resource.id}
    for text in paths:
        if text == MEMBERS and isinstance(resource, LiveGroup):
            values[text] = None if resource.members is None else sorted(set(resource.members))
        else:
            path = Path.parse(text)
            values[text] = canonical(path.get(resource.attributes), path.definition(schema))
    encoded = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return "sha256:" + hashlib.sha256(encoded.encode()).hexdigest()


def planned_from(resource: LiveResource, paths: Iterable[str], schema: ResourceSchema) -> Precondition:
    """Return the precondition that the values of a live resource at ``paths`` are still what they are now."""
    ordered = tuple(sorted(set(paths)))
    return Precondition(paths=ordered, digest=digest(resource, ordered, schema))
