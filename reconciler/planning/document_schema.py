"""The published JSON Schema of the plan document."""

from __future__ import annotations

from typing import Any

from reconciler.planning.plan import FORMAT, Plan
from reconciler.struct_schemas import json_schema_of


def document_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``reconciler.plan/1``, as this version writes and reads it.

    It takes exactly the documents whose fields :func:`reconciler.planning.decode` takes. That a document is intact,
    no schema can tell: see :mod:`reconciler.planning.document`.
    """
    return json_schema_of(
        Plan,
        uri="urn:reconciler:schema:plan:1",
        title=FORMAT,
        description="What would be done to a directory, to whom, why, and from what. A field that is left out has its "
        "default.",
    )
