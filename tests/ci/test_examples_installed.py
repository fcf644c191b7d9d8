"""What the examples install works: the image's own commands in a virtual environment, the hook by pre-commit itself.

Only the libraries are not fetched anew, which would take most of a minute: those of the tests serve.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pipelines import EXAMPLES

pytestmark = pytest.mark.slow

ROOT = EXAMPLES.parents[1]
PROGRAMS = Path(sys.executable).parent
LIBRARIES = {"PYTHONPATH": sysconfig.get_path("purelib")}
UNREACHABLE = ("Could not find a version", "No matching distribution", "Temporary failure", "Connection refused")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What is in the repository for others to install."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("reconciler", "desired_state"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".reconciler"))
    project = folder / "pyproject.toml"
    text, lists = re.subn(
        r"(?ms)^(dependencies|postgresql) = \[.*?\]$", r"\1 = []", project.read_text(encoding="utf-8")
    )
    assert lists == 2
    project.write_text(text, encoding="utf-8")
    return folder


def run(
    command: Sequence[str | Path], folder: Path, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    home = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    ours = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "LANG", "LC_"))}
    author = {
        f"GIT_{role}_{what}": "test@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    env = {**ours, **home, **author, **(variables or {})}
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=env, capture_output=True, encoding="utf-8", check=False
    )


def done(completed: subprocess.CompletedProcess[str]) -> str:
    said = completed.stdout + completed.stderr
    if any(sign in said for sign in UNREACHABLE):
        pytest.skip(f"the package registry cannot be reached, so that nothing can be built: {said[-300:]}")
    assert completed.returncode == 0, said
    return said


def test_the_commands_of_the_image_make_a_reconciler_that_runs(tmp_path: Path, source: Path) -> None:
    build, made = tmp_path / "build", tmp_path / "opt"
    build.mkdir()
    text = (EXAMPLES / "kubernetes" / "requirements.txt").read_text(encoding="utf-8")
    (build / "requirements.txt").write_text(re.sub(r"@ git\+\S+", f"@ file://{source}", text), encoding="utf-8")
    dockerfile = (EXAMPLES / "kubernetes" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    (commands,) = re.findall(r"^RUN (.*)$", dockerfile, re.MULTILINE)
    for command in commands.replace("/opt/reconciler", str(made)).replace("/build/", f"{build}/").split("&&"):
        words = command.split()
        words[0] = sys.executable if words[0] == "python" else words[0]
        done(run(words, tmp_path, LIBRARIES if "check" in words else None))
    assert not (made / "bin" / "pip").exists()
    assert "reconciler " in done(run([made / "bin" / "reconciler", "--version"], tmp_path, LIBRARIES))
    installed = next(made.glob("lib/python*/site-packages/reconciler"))
    assert list(installed.glob("__pycache__/*.pyc")), "a read-only file system could not hold what is compiled later"


def test_the_hook_stops_a_commit_of_files_that_are_wrong(tmp_path: Path, source: Path) -> None:
    program = PROGRAMS / "pre-commit"
    if not program.exists():
        pytest.skip("pre-commit is not installed; it comes with the group `lint`")
    home = {"PRE_COMMIT_HOME": str(tmp_path / "home")}
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "A version"], ["tag", "v0.1.0"]):
        done(run(["git", *command], source))
    users = tmp_path / "users"
    shutil.copytree(source / "desired_state", users / "directory")
    text = (EXAMPLES / "pre-commit" / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    text = text.replace("https://git.example.com/tools/reconciler", str(source))
    (users / ".pre-commit-config.yaml").write_text(text, encoding="utf-8")
    done(run(["git", "init", "-q"], users))
    done(run(["git", "add", "-A"], users))
    done(run([program, "install-hooks"], users, home))

    passed = run([program, "run"], users, home | LIBRARIES)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "Passed" in passed.stdout
    (users / "directory" / "more.yaml").write_text("users:\n  - userName: x\n    titel: y\n", encoding="utf-8")
    done(run(["git", "add", "-A"], users))
    failed = run([program, "run"], users, home | LIBRARIES)
    assert failed.returncode == 1
    assert "more.yaml:3:5: error: unknown key 'titel'" in failed.stdout
