"""What is kept of a resource that is about to be deleted, so that it can be made again."""

from __future__ import annotations

from typing import Any

from reconciler.attributes import ResourceSchema
from reconciler.model import LiveGroup, LiveResource
from reconciler.redaction import Redactor


def snapshot(resource: LiveResource, schema: ResourceSchema) -> dict[str, Any]:
    """Return a resource in SCIM's JSON form, without what is writeOnly or secret.

    Of a group, ``members`` are the ids of its members; the key is missing where the directory does not tell them.
    """
    shown = Redactor(schema).attributes(resource.attributes, set())
    if isinstance(resource, LiveGroup) and resource.members is not None:
        shown["members"] = list(resource.members)
    return shown
