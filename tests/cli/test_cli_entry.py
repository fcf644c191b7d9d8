from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from command_line import call, environment
from reconciler import __version__
from reconciler.cli.command import Command, LazyGroup
from reconciler.cli.entry import cli

COMMANDS = cli.list_commands(click.Context(cli))
HEAVY = ("httpx", "deepdiff", "jsonschema", "jsonschema_rs", "pydantic", "yaml", "msgspec", "asyncio")


def command_of(name: str) -> Command:
    found = cli.get_command(click.Context(cli), name)
    assert isinstance(found, Command)
    return found


def test_help_lists_every_command_with_what_it_does() -> None:
    done = call(["--help"])
    assert done.code == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_command_says_of_itself(name: str) -> None:
    assert isinstance(cli, LazyGroup)
    assert cli.summaries[name] == (command_of(name).help or "").splitlines()[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_of_itself(name: str) -> None:
    command = command_of(name)
    assert command.examples
    assert all(f"reconciler {name}" in example for example in command.examples)
    assert "Examples:" in command.get_help(click.Context(command))


EACH_THE_FIRST = """
import os, sys
from reconciler.cli.entry import run
for name in sys.argv[1:]:
    process = os.fork()
    if process == 0:
        code = run([name, "--help"])
        sys.stdout.flush()
        os._exit(code)
    _, status = os.waitpid(process, 0)
    print(f"\\x1e{name} {os.waitstatus_to_exitcode(status)}", end="\\x1d", flush=True)
"""


def test_help_fits_a_terminal_of_80_columns() -> None:
    # Each in a process of its own, which has imported what every command needs: that each can be the first to import
    # what it needs itself is shown here alone.
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EACH_THE_FIRST, *COMMANDS],
        capture_output=True,
        encoding="utf-8",
        check=True,
        env=environment(COLUMNS="80"),
    )
    helps = [one.split("\x1e") for one in done.stdout.split("\x1d")[:-1]]
    assert [ended for _, ended in helps] == [f"{name} 0" for name in COMMANDS], done.stderr
    assert all("Examples:" in text for text, _ in helps)
    assert [line for text, _ in helps for line in text.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("statement", ["import reconciler", "from reconciler.cli.entry import run; run(['--help'])"])
def test_start_up_imports_nothing_heavy(statement: str) -> None:
    script = f"import sys; {statement}; print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True, env=environment()
    )
    assert done.stderr.strip() == "[]"


def test_version() -> None:
    done = call(["--version"])
    assert (done.code, done.stdout) == (0, f"reconciler {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Which command?"),
        (["pln"], "Did you mean 'plan'?"),
        (["zzz"], "There are: init, import, validate"),
        (["plan", "--detailed-exit-code"], "--detailed-exitcode"),
        (["show"], "Missing argument 'FILE'"),
        (["validate", "--format", "xml"], "'xml' is not one of"),
        (["plan", "--as-of", "tomorrow"], "neither a date such as 2026-11-22 nor a time"),
        (["plan", "--as-of", "2026-02-30"], "neither a date such as 2026-11-22 nor a time"),
        (["plan", "--allow", "users.deactivate=3"], "--allow needs --reason"),
        (["plan", "--allow", "users.deactivat=3", "--reason", "OPS-1"], "did you mean users.deactivate?"),
        (["plan", "--allow", "protected=3", "--reason", "OPS-1"], "there is no guard 'protected' to lift"),
        (["plan", "--allow", "users.delete=many", "--reason", "OPS-1"], "must be a whole number"),
        (["apply"], "Add --auto-approve"),
        (["apply", "x.plan", "--as-of", "2026-01-01"], "Give them to `plan`"),
        (["apply", "--resume", "RUN", "--only", "user:ada@example.com"], "Give them to `plan`"),
        (["apply", "x.plan", "--resume", "RUN"], "needs no FILE"),
        (["apply", "--auto-approve", "--verify-key", "ci.pub"], "there is no FILE"),
        (["apply", "--auto-approve", "--lock-timeout", "5"], "'5' is not a length of time"),
        (["plan", "--sign", "ci.key"], "Say with -o FILE where to save it"),
    ],
)
def test_wrong_usage_is_64_and_says_what_was_probably_meant(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = call(arguments, cwd=tmp_path)
    assert done.code == 64
    assert told in done.stderr
    assert done.stdout == ""


def test_wrong_usage_is_json_where_json_is_asked_for() -> None:
    done = call(["plan", "--json", "--nonsense"])
    assert done.code == 64
    assert json.loads(done.stdout)["error"]["type"] == "UsageError"


def test_common_options_may_stand_before_the_command(tmp_path: Path) -> None:
    done = call(["--json", "-C", str(tmp_path), "validate"])
    assert done.code == 1
    assert done.document["valid"] is False
