from __future__ import annotations

import pytest

from command_line import Workspace
from reconciler.planning import decode
from reconciler.rendering.report import render_html


def test_a_report_of_a_saved_plan_is_written_by_show(workspace: Workspace) -> None:
    file = workspace.path / "saved.plan"
    workspace.call("plan", "-o", str(file))
    done = workspace.call("show", str(file), "--format", "html")
    assert done.code == 0
    assert done.stdout == render_html(decode(file.read_bytes()))


@pytest.mark.parametrize("command", ["plan", "show"])
def test_a_redacted_report_names_nobody(workspace: Workspace, command: str) -> None:
    file = workspace.path / "saved.plan"
    workspace.call("plan", "-o", str(file))
    arguments = ("show", str(file)) if command == "show" else ("plan",)
    done = workspace.call(*arguments, "--format", "html", "--redact")
    people = {step.name for step in decode(file.read_bytes()).steps if step.kind.value == "User"}
    assert people
    assert not [person for person in people if person in done.stdout]
