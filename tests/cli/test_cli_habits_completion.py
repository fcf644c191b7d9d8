"""What a shell offers: by its own protocol, and by the real Bash."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import Workspace, call, environment

BASH = shutil.which("bash")
RESOURCES = """\
users:
  - userName: ada@example.com
    displayName: Ada Example
  - {userName: "alan@example.com"}
  - userName: "$(touch pwned)@example.com"
groups:
  - displayName: team-platform
    members: [ada@example.com]
"""


def offered(line: str, folder: Path) -> list[str]:
    """What Bash would be told about a line whose end is being completed."""
    done = call([], env=environment(_RECONCILER_COMPLETE="bash_complete", COMP_LINE=line), cwd=folder)
    assert (done.code, done.stderr) == (0, "")
    return [one.removeprefix("plain,") for one in done.stdout.splitlines() if one]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "resources.yaml").write_text(RESOURCES, encoding="utf-8")
    (folder / "broken.yaml").write_bytes(b"users: [\xff\n  userName: amy@example.com\n")
    (folder / ".hidden.yaml").write_text("users: [{userName: abe@example.com}]", encoding="utf-8")
    (folder / "a.plan").write_text('{"steps": [{"address": "user:zoe@example.com"}]}', encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pl", ["plan"]),
        ("audit ver", ["verify"]),
        ("plan --forma", ["--format"]),
        ("plan --format m", ["markdown"]),
        ("--color al", ["always"]),
        ("plan --user a", ["amy@example.com", "ada@example.com", "alan@example.com"]),
        ("show a.plan --user ", ["zoe@example.com"]),
        ("show --user ada a.plan --left", ["--left-out"]),
        ("plan --only us", ["user:"]),
        ("plan --only user:al", ["user:alan@example.com"]),
        ("plan --exclude group:", ["group:team-platform"]),
        ("plan --allow users.d", ["users.deactivate=", "users.delete="]),
        ("audit query --group t", ["team-platform"]),
        ("init --dialect gen", ["generic"]),
        ("help sh", ["show"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("plan -C ", ["dir,"]),
        ("show ", ["file,"]),
        ("undo ", []),
        ("nonsense wor", []),
        ("plan 'half", []),
    ],
)
def test_words_that_fit_are_offered(line: str, words: list[str], folder: Path) -> None:
    assert offered(f"reconciler {line}", folder) == words


def test_the_workspace_that_is_named_is_looked_at(folder: Path, tmp_path: Path) -> None:
    assert offered(f"reconciler -C {folder} plan --user al", tmp_path) == ["alan@example.com"]


def test_runs_are_offered_from_the_store(workspace: Workspace) -> None:
    assert workspace.call("apply", "--auto-approve").code == 0
    ((run, _),) = workspace.runs()
    for command in ("undo", "runs show", "apply --resume", "audit query --run"):
        assert offered(f"reconciler {command} {run.id[:4]}", workspace.path) == [run.id]


def test_a_store_that_is_none_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / ".reconciler").mkdir()
    (tmp_path / ".reconciler" / "store.db").write_text("no database", encoding="utf-8")
    assert offered("reconciler undo ", tmp_path) == []


@pytest.mark.parametrize("line", ["reconciler ", "reconciler plan --", "reconciler apply --resume 2"])
def test_no_http_client_is_waited_for(line: str, folder: Path) -> None:
    script = (
        "import atexit, sys; from reconciler.cli.entry import main\n"
        "atexit.register(lambda: print('httpx' in sys.modules, 'sqlalchemy' in sys.modules, file=sys.stderr))\nmain()"
    )
    env = environment(_RECONCILER_COMPLETE="bash_complete", COMP_LINE=line)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=env, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stderr == "False False\n"


BASH_SCRIPT = """
reconciler() { "$PYTHON" -m reconciler "$@"; }
eval "$(reconciler completion bash)"
env() { command env "${@:1:2}" "$PYTHON" -m reconciler; }
compopt() { :; }
COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD=$(($# - 2))
COMP_WORDS=("${@:2}")
_reconciler_completion reconciler
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(BASH is None, reason="there is no bash on this machine")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        # Bash breaks words at `:` and `=`, and replaces what is behind the last of them.
        (["reconciler", "plan", "--only", "user", ":", "al"], "alan@example.com"),
        (["reconciler", "plan", "--allow", "users.dele"], "users.delete="),
        (["reconciler", "plan", "--user", "$"], "\\$\\(touch\\ pwned\\)@example.com"),
    ],
)
def test_bash_gets_one_word_that_runs_nothing(words: list[str], completed: str, folder: Path) -> None:
    line = " ".join(words).replace(" : ", ":")
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH_SCRIPT, "bash", line, *words],
        cwd=folder,
        env=environment(PYTHON=sys.executable),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout == f"{completed}\n", done.stderr
    assert not (folder / "pwned").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_one(shell: str, tmp_path: Path) -> None:
    done = call(["completion", shell])
    assert done.code == 0
    assert f"_RECONCILER_COMPLETE={shell}_complete" in done.stdout
    script = tmp_path / "script"
    script.write_text(done.stdout, encoding="utf-8")
    if shutil.which(shell):
        subprocess.run([shell, "-n", str(script)], check=True)


@pytest.mark.parametrize(
    ("shell", "words", "told"),
    [
        ("zsh", {"COMP_WORDS": "reconciler pla", "COMP_CWORD": "1"}, "plain\nplan\nShow what would change"),
        ("fish", {"COMP_WORDS": "reconciler pla", "COMP_CWORD": "pla"}, "plain,plan\tShow what would change"),
    ],
)
def test_other_shells_are_answered_in_their_ways(shell: str, words: dict[str, str], told: str) -> None:
    done = call([], env=environment(_RECONCILER_COMPLETE=f"{shell}_complete", **words))
    assert done.code == 0
    assert told in done.stdout
