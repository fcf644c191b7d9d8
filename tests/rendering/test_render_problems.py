from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model import Origin
from reconciler.rendering import render_diagnostics

UNKNOWN_KEY = Diagnostic(
    code="unknown-key",
    message="unknown key 'titel', 100% wrong",
    origin=Origin("users/a,b.yaml", 3, 5),
    hint="did you mean title?",
    text="titel: Engineer",
)
PLACELESS = Diagnostic(code="token-expires", message="the token stops working", severity=Severity.WARNING)


def test_text_tells_what_where_and_what_now() -> None:
    assert render_diagnostics([UNKNOWN_KEY, PLACELESS], "text") == (
        "users/a,b.yaml:3:5: error: unknown key 'titel', 100% wrong\n"
        '    here: "titel: Engineer"\n'
        "    hint: did you mean title?\n"
        "warning: the token stops working\n"
    )


def test_json_holds_every_field() -> None:
    document = json.loads(render_diagnostics([UNKNOWN_KEY, PLACELESS], "json"))
    assert document == {"diagnostics": [UNKNOWN_KEY.as_json(), PLACELESS.as_json()]}


def test_a_github_annotation_is_escaped_as_the_toolkit_does() -> None:
    assert render_diagnostics([UNKNOWN_KEY], "github") == (
        "::error file=users/a%2Cb.yaml,line=3,col=5,title=unknown-key"
        "::unknown key 'titel', 100%25 wrong (did you mean title?)\n"
    )


@pytest.mark.parametrize(
    ("severity", "command"), [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.NOTE, "notice")]
)
def test_every_severity_has_its_github_command(severity: Severity, command: str) -> None:
    found = Diagnostic(code="x", message="m", severity=severity)
    assert render_diagnostics([found], "github") == f"::{command} title=x::m\n"


@pytest.mark.parametrize(("fmt", "start"), [("text", "conf/acme/users"), ("github", "::error file=conf/acme/users")])
def test_file_names_start_where_the_reader_stands(fmt: str, start: str) -> None:
    assert fmt in ("text", "github")
    rendered = render_diagnostics([UNKNOWN_KEY], "text" if fmt == "text" else "github", base="conf/acme")
    assert rendered.startswith(start)


def test_colour_is_only_added_where_it_is_wanted() -> None:
    assert "\x1b" in render_diagnostics([UNKNOWN_KEY], "text", color=True)
    assert "\x1b" not in render_diagnostics([UNKNOWN_KEY], "text")


@settings(deadline=None)
@given(st.text(), st.text())
def test_one_problem_is_one_annotation_whatever_it_says(message: str, file: str) -> None:
    found = Diagnostic(code="x", message=message, origin=Origin(file, 1, 1), hint=message, text=message)
    line, end = render_diagnostics([found], "github").split("\n")
    assert end == ""
    assert line.isprintable()
    properties = line.removeprefix("::error ").split("::", 1)[0]
    assert [item.split("=")[0] for item in properties.split(",")] == ["file", "line", "col", "title"]
    assert all(part.isprintable() for part in render_diagnostics([found], "text").splitlines())
