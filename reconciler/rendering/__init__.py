"""The plan document as text and JSON, and what else a person or a program reads. Nothing here prints.

What became of an apply is rendered by :mod:`reconciler.rendering.results`, imported only by who has applied.
"""

from reconciler.rendering.documents import json_document, render_json
from reconciler.rendering.escape import safe
from reconciler.rendering.problems import DiagnosticFormat, render_diagnostics
from reconciler.rendering.text import render_text

__all__ = [
    "DiagnosticFormat",
    "json_document",
    "render_diagnostics",
    "render_json",
    "render_text",
    "safe",
]
