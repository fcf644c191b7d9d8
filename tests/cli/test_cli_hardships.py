"""What may be wrong around a command: its streams, its locale, its paths, its server."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from attending import attended
from command_line import COMMAND, Workspace, call, environment
from fork_server import forks
from onlooker import at_terminal
from reconciler.planning import decode
from reconciler.sandbox.server import Sandbox
from reconciler.store import RunStatus
from sandboxes import client_for, client_of, leaving

Open = Callable[..., Workspace]
NO_CHANGES = "No changes. The directory matches the desired state."
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.is_char_device(), reason="there is no device that is always full")


def shell(workspace: Workspace, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command by a shell, which can close a stream or lead it elsewhere."""
    return subprocess.run(
        ["/bin/sh", "-c", f"{shlex.join(COMMAND)} {arguments}"],
        cwd=workspace.path,
        env=workspace.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("plan >&-", 0),
        ("plan 2>&-", 0),
        ("plan <&-", 0),
        ("apply <&-", 64),
        ("apply --auto-approve <&- >&- 2>&-", 0),
        ("--help >&-", 0),
    ],
)
def test_a_stream_that_is_closed_changes_nothing_but_what_is_shown(
    workspace: Workspace, arguments: str, code: int
) -> None:
    done = shell(workspace, arguments)
    assert done.returncode == code
    assert "bug" not in done.stderr


@needs_full
def test_an_apply_does_not_end_because_its_progress_cannot_be_written(workspace: Workspace, tmp_path: Path) -> None:
    said = tmp_path / "said"
    arguments = ["apply", "--auto-approve", "-C", str(workspace.path)]
    assert forks().start(arguments, workspace.env, said, errors=FULL).wait() == 0
    assert said.read_text().endswith("Applied: 3 applied, 0 differ, 0 failed, 0 stale, 0 skipped, 0 not tried.\n")


@needs_full
def test_a_result_that_cannot_be_written_is_an_error_that_says_which(workspace: Workspace, tmp_path: Path) -> None:
    told = tmp_path / "told"
    assert forks().start(["plan", "-q", "-C", str(workspace.path)], workspace.env, FULL, errors=told).wait() == 1
    assert told.read_text() == "error: standard output: No space left on device\n"


@pytest.mark.parametrize("wanted", [1, 0])
def test_a_reader_that_wants_no_more_is_no_error(workspace: Workspace, wanted: int) -> None:
    workspace.state("users:\n" + "".join(f"  - userName: u{n}@example.com\n" for n in range(3000)))
    with attended(["plan", "-q", "-C", str(workspace.path)], workspace.env) as process:
        assert [process.stdout.readline().isspace() for _ in range(wanted)] == [False] * wanted
        process.stdout.close()
        # So many are more than a guard allows, which is all that it tells.
        assert (process.stderr.read(), process.wait()) == ("", 3)


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


def test_a_locale_without_letters_does_not_change_what_is_planned(workspace: Workspace) -> None:
    workspace.state("users:\n  - {userName: zoe@example.com, displayName: Zoë 山田}\n")
    workspace.variables = ASCII
    assert '"Zoë 山田"' in workspace.call("plan").stdout
    assert workspace.call("apply", "--auto-approve").code == 0
    workspace.variables = {}
    assert workspace.call("plan").last_line == NO_CHANGES


def test_what_is_typed_is_utf8_in_every_locale(tmp_path: Path) -> None:
    assert call(["init", "--name", "Ünï"], cwd=tmp_path, env=environment(**ASCII)).code == 0
    assert '"Ünï"' in (tmp_path / "directory.yaml").read_text(encoding="utf-8")


def test_what_is_typed_and_is_not_utf8_is_wrong_usage(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, "init", "--name", b"\xff"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 64
    assert b"is not UTF-8" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_not_set_and_a_terminal_that_can_nothing_do_no_harm(workspace: Workspace) -> None:
    env = {name: value for name, value in workspace.env.items() if name not in ("HOME", "USER", "LOGNAME", "TERM")}
    done = call(["apply", "--auto-approve", "-C", str(workspace.path)], env=env | {"TERM": "dumb", "COLUMNS": "40"})
    assert (done.code, "\x1b" in done.stdout + done.stderr) == (0, False)


@pytest.mark.parametrize("arguments", [["plan", "-C", ""], ["plan", "-o", ""], ["show", ""]])
def test_a_path_that_is_empty_is_wrong_usage(workspace: Workspace, arguments: list[str]) -> None:
    done = call(arguments, cwd=workspace.path, env=workspace.env)
    assert (done.code, "it is empty" in done.stderr) == (64, True)


def test_a_plan_can_be_saved_to_a_pipe_which_stays_one(workspace: Workspace, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    done = workspace.call("plan", "-o", str(pipe))
    reader.join(timeout=60)
    assert done.code == 0
    assert pipe.is_fifo()
    assert decode(read[0]).steps


def test_a_plan_is_saved_where_a_link_leads(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "link.plan").symlink_to("real.plan")
    assert workspace.call("plan", "-o", str(tmp_path / "link.plan")).code == 0
    assert (tmp_path / "link.plan").is_symlink()
    assert decode((tmp_path / "real.plan").read_bytes()).steps


def test_a_command_that_is_shown_can_be_copied_into_a_shell(open_workspace: Open, tmp_path: Path) -> None:
    workspace = open_workspace()
    path = tmp_path / "ä folder"
    workspace.path.rename(path)
    seen = at_terminal(["plan", "-C", str(path), "-o", str(path / "a plan")], workspace.env)
    shown = seen.text.splitlines()[-1].partition("To do exactly this: reconciler ")[2]
    assert call(shlex.split(shown), env=workspace.env).code == 0


@pytest.mark.parametrize(("flags", "told"), [([], True), (["-q"], False), (["--json"], False)])
def test_a_plan_on_a_terminal_says_how_to_apply_it(
    workspace: Workspace, tmp_path: Path, flags: list[str], told: bool
) -> None:
    person, terminal = pty.openpty()
    screen, errors = Path(os.ttyname(terminal)), tmp_path / "errors"
    arguments = ["plan", "-C", str(workspace.path), *flags]
    # A terminal holds a few thousand characters; the plan is shorter.
    forks().start(arguments, workspace.env, screen, stdin=screen, errors=errors).wait()
    os.close(terminal)
    os.close(person)
    assert (f"To apply: reconciler apply -C {shlex.quote(str(workspace.path))}\n" in errors.read_text()) == told


@pytest.mark.parametrize("in_the_way", ["a file for its folder", "a folder for its file", "another file"])
def test_without_a_store_nothing_is_applied(workspace: Workspace, in_the_way: str) -> None:
    folder = workspace.path / ".reconciler"
    match in_the_way:
        case "a file for its folder":
            folder.touch()
        case "a folder for its file":
            (folder / "store.db").mkdir(parents=True)
        case _:
            folder.mkdir()
            (folder / "store.db").write_text("this is no database, and long enough to be taken for one")
    done = workspace.call("apply", "--auto-approve")
    assert done.code == 1
    assert "store" in done.stderr
    assert "Traceback" not in done.stderr
    assert users_of(workspace.sandbox) == 0


def test_a_folder_above_workspaces_says_where_one_is(workspace: Workspace) -> None:
    (workspace.path.parent / "other.yaml").write_text("users: [", encoding="utf-8")
    done = call(["validate"], cwd=workspace.path.parent)
    assert done.code == 1
    assert "there is one below: -C workspace" in done.stdout
    assert done.last_line == "Not valid: 1 error."


def test_an_import_of_an_empty_directory_says_that_it_is_empty(workspace: Workspace) -> None:
    done = workspace.call("import")
    assert (done.code, "holds nobody and nothing that could be imported" in done.stdout) == (0, True)


def test_an_import_can_replace_files_that_cannot_be_read(open_workspace: Open) -> None:
    workspace = open_workspace(seed={"users": [{"userName": "ada@example.com"}]})
    workspace.state("# nobody")
    (workspace.path / "users.yaml").write_text("users: [", encoding="utf-8")
    assert workspace.call("import", "--split", "none", "--force-overwrite").code == 0
    assert workspace.call("plan").last_line == NO_CHANGES


def users_of(sandbox: Sandbox) -> int:
    with client_of(sandbox) as client:
        return int(client.get("/Users").raise_for_status().json()["totalResults"])


@pytest.mark.parametrize("desired", ["", "# nobody\n", "users:\n", "users: []\ngroups: []\n"])
def test_files_that_list_nobody_never_empty_a_directory(tmp_path: Path, desired: str) -> None:
    seed = {"users": [{"userName": f"u{n}@example.com"} for n in range(30)], "groups": [{"displayName": "team"}]}
    with leaving(Sandbox(seed=seed, record=True)) as sandbox:
        workspace = Workspace(tmp_path, sandbox)
        workspace.state(desired)
        assert workspace.call("apply", "--auto-approve").code == 3
        assert {request.method for request in sandbox.requests} == {"GET"}
        assert users_of(sandbox) == 30


def test_two_applies_at_once_make_nothing_twice(workspace: Workspace, tmp_path: Path) -> None:
    names = [f"u{n:03}@example.com" for n in range(60)]
    users = "".join(f"  - {{userName: {name}, title: Engineer}}\n" for name in names)
    workspace.state(f"users:\n{users}groups:\n  - {{displayName: team, members: [{', '.join(names)}]}}\n")
    arguments = ["apply", "--auto-approve", "-q", "-C", str(workspace.path)]
    both = [forks().start(arguments, workspace.env, tmp_path / f"said-{number}") for number in range(2)]
    # One of them writes; the other one is told so, or comes when everything is done.
    assert {process.wait() for process in both} <= {0, 1, 4}
    assert users_of(workspace.sandbox) == 60
    assert workspace.call("apply", "--auto-approve").code == 0
    assert workspace.call("plan").last_line == NO_CHANGES


@dataclass
class Served:
    """A sandbox in a process of its own, which can end and come back."""

    folder: Path
    token: str = "a-token"
    port: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    life: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        arguments = ["sandbox", "--data", "data.json", "--port", str(self.port), "--token-env", "OURS"]
        process = self.life.enter_context(attended(arguments, environment(OURS=self.token), cwd=self.folder))
        lines = [shlex.split(process.stdout.readline())[1] for _ in range(2)]
        self.life.callback(process.rest)
        self.life.callback(process.signal, signal.SIGTERM)
        self.variables = dict(line.split("=", 1) for line in lines)
        self.port = int(self.variables["SCIM_BASE_URL"].split(":")[2].partition("/")[0])

    def end(self) -> None:
        self.life.close()

    def users(self) -> int:
        with client_for(self.variables["SCIM_BASE_URL"], self.token) as client:
            return int(client.get("/Users").raise_for_status().json()["totalResults"])


def test_a_server_that_dies_during_an_apply_and_comes_back_ends_up_with_everybody_once(workspace: Workspace) -> None:
    workspace.state("users:\n" + "".join(f"  - userName: u{n:03}@example.com\n" for n in range(250)), concurrency=2)
    served = Served(workspace.path.parent)
    served.start()
    try:
        assert served.variables["SCIM_TOKEN"] == served.token
        workspace.variables = served.variables
        env = environment(**served.variables)
        with attended(["apply", "--auto-approve", "-C", str(workspace.path)], env) as process:
            while served.users() < 20:
                assert not process.ended
                time.sleep(0.001)
            served.end()
            served.start()
            code, _, err = process.rest()
        assert "Traceback" not in err
        # What the server forgot, because it died, is told as such and made by the next apply.
        assert code in (0, 5)
        assert call(["apply", "--auto-approve", "-C", str(workspace.path)], env=env).code == 0
        assert served.users() == 250
        assert call(["plan", "-C", str(workspace.path)], env=env).last_line == NO_CHANGES
    finally:
        served.end()


def test_a_sandbox_wants_the_variable_that_is_named(tmp_path: Path) -> None:
    done = call(["sandbox", "--token-env", "NOT_SET_ANYWHERE"], cwd=tmp_path)
    assert (done.code, "NOT_SET_ANYWHERE is not set" in done.stderr) == (64, True)


def hang_up(workspace: Workspace, *, ignored: bool) -> int:
    """Return the exit code of an apply that is hung up on."""
    workspace.state("users:\n" + "".join(f"  - userName: u{n:03}@example.com\n" for n in range(100)), concurrency=1)
    arguments = ["apply", "--auto-approve", "-C", str(workspace.path)]
    with attended(arguments, workspace.env, ignores=[signal.SIGHUP] if ignored else []) as process:
        while workspace.sandbox.request_count < 20:
            assert not process.ended
            time.sleep(0.001)
        process.signal(signal.SIGHUP)
        return process.rest()[0]


def test_a_terminal_that_hangs_up_ends_an_apply_in_order(workspace: Workspace) -> None:
    assert hang_up(workspace, ignored=False) == 130
    ((run, _),) = workspace.runs()
    assert run.status is RunStatus.STOPPED


def test_a_hang_up_that_is_to_be_ignored_is(workspace: Workspace) -> None:
    assert hang_up(workspace, ignored=True) == 0
    assert users_of(workspace.sandbox) == 100
