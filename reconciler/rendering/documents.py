"""JSON for standard output: one document, indented, in ASCII."""

from __future__ import annotations

import json
from typing import Any

from reconciler.planning.document import encode, in_ascii
from reconciler.planning.plan import Plan


def render_json(plan: Plan) -> str:
    """Return the plan document as JSON that a terminal and a CI log cannot be harmed by: the plan file itself."""
    return encode(plan).decode()


def json_document(document: dict[str, Any] | list[Any]) -> str:
    """Return any other document in the same form."""
    return in_ascii(json.dumps(document, indent=1)) + "\n"
