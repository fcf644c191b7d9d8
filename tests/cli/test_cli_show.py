from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Workspace, call


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"format": "reconciler.plan/1"}', b"[" * 100_000])
def test_what_is_no_plan_is_4(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "saved.plan").write_bytes(content)
    done = call(["show", "saved.plan"], cwd=tmp_path)
    assert (done.code, done.stdout) == (4, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_an_altered_plan_is_4_and_cannot_be_applied(workspace: Workspace) -> None:
    file = workspace.path / "saved.plan"
    workspace.call("plan", "-o", str(file))
    file.write_bytes(file.read_bytes().replace(b"Engineer", b"Director"))
    done = workspace.call("apply", str(file), "--json")
    assert done.code == 4
    assert "does not match its digest" in done.document["error"]["message"]
    assert call(["show", str(file)]).code == 4


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = call(["show", "missing.plan"], cwd=tmp_path)
    assert (done.code, done.stderr) == (1, "error: missing.plan: No such file or directory\n")
