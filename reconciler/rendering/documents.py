"""JSON for standard output: one document, indented, in ASCII."""

from __future__ import annotations

import json
import re
from typing import Any

from reconciler.planning.document import encode
from reconciler.planning.plan import Plan

_BEYOND_ASCII = re.compile("[^\x00-\x7e]")


def render_json(plan: Plan) -> str:
    """Return the plan document as JSON that a terminal and a CI log cannot be harmed by.

    Everything beyond ASCII is escaped. It can be saved and applied as a plan file: the digest is of the values.
    """
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], encode(plan).decode())


def json_document(document: dict[str, Any]) -> str:
    """Return any other document in the same form."""
    return json.dumps(document, indent=1).replace("\x7f", "\\u007f") + "\n"
