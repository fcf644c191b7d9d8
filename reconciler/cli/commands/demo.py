"""``reconciler demo``: the main job end to end, on an embedded directory, by the very commands that a person types."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from importlib import resources
from pathlib import Path

import click

from reconciler import api
from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.terminal import Terminal
from reconciler.config import DirectoryConfig
from reconciler.diagnostics import ReconcilerError
from reconciler.live import Wanted
from reconciler.model import Desired
from reconciler.rendering.style import ANSI, PLAIN
from reconciler.rendering.words import counted
from reconciler.sandbox.seed import read_seed
from reconciler.sandbox.server import Sandbox
from reconciler.scim.dialects import GENERIC
from reconciler.store import Store

SEED = Path(".sandbox") / "seed.json"
"""Where a workspace keeps what the demo's directory holds at the start. Without it, the directory starts empty."""
WORKSPACE = "desired_state"
PLAN = "acme.plan"


class DemoError(ReconcilerError):
    """A command of the demo ended otherwise than it should."""


@click.command(
    "demo",
    cls=Command,
    examples=(
        "reconciler demo          # on the example that comes with the tool",
        "reconciler demo -C acme  # your files, on an embedded, empty directory",
    ),
)
@click.pass_obj
def command(terminal: Terminal) -> ExitCode:
    """Show the main job end to end: validate, plan, apply, and plan again.

    It works on a copy of the workspace and on an embedded SCIM directory that lives as long as the demo. No account is
    needed, and nothing outside this machine is touched.
    """
    source = _workspace(terminal)
    loaded = api.load(source)
    config = loaded.desired.config
    if config.base_url != "${SCIM_BASE_URL}":
        raise DemoError(
            "the demo needs `base_url: ${SCIM_BASE_URL}` in directory.yaml, so that it stays on this machine"
        )
    seed = read_seed(source / SEED) if (source / SEED).exists() else None
    with (
        tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder,
        Sandbox(_ways(config), seed=seed) as sandbox,
        _environment({"SCIM_BASE_URL": sandbox.base_url, "SCIM_TOKEN": sandbox.token}),
    ):
        shutil.copytree(source, Path(folder) / WORKSPACE, ignore=shutil.ignore_patterns(".reconciler"))
        with chdir(folder):
            _Narrator(terminal).tell(loaded.desired)
    return ExitCode.DONE


def _ways(config: DirectoryConfig) -> str:
    """Return the dialect that the embedded directory has. Of one's own it has what that extends."""
    if config.own_dialect is None:
        return config.dialect
    return config.own_dialect.extends or GENERIC


def _workspace(terminal: Terminal) -> Path:
    """Return the workspace that was named, or the one here, or the example that comes with the tool."""
    if terminal.workspace != Path() or (terminal.workspace / "directory.yaml").exists():
        return terminal.workspace
    package = Path(str(resources.files("reconciler")))
    # In a checkout the example stands beside the package; a wheel carries it inside.
    return next((found for found in (package / "_example", package.parent / "desired_state") if found.exists()), Path())


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Narrator:
    """Runs the commands one after the other, and says in a line or two what is going on."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._palette = ANSI if terminal.color else PLAIN

    def tell(self, desired: Desired) -> None:
        """Run the whole story."""
        config = desired.config
        live = api.read_live(config, WORKSPACE, wanted=Wanted.of(desired))
        held = f"{counted(len(live.users), 'user')} and {counted(len(live.groups), 'group')}"
        self._say(
            f"A directory runs inside this demo and speaks SCIM 2.0 over HTTP, with the ways of {_ways(config)}.",
            *(
                (f"What {config.dialect} states beyond that is believed, and this directory may do otherwise.",)
                if config.own_dialect is not None
                else ()
            ),
            f"It holds {held}{' of those that the files name' if live.partial else ''}. The files in {WORKSPACE}/ say "
            "what it should hold.",
            *(
                ("People have changed things by hand since. Let us see how far apart the two are.",)
                if live.users
                else ()
            ),
        )
        self._say("1. Are the files right? Every problem in all files is told at once, with its line.")
        self._run(["validate"])
        self._say("2. What would change, for whom, and why? A plan changes nothing. Saved, it is what gets reviewed.")
        self._run(["plan", "-o", PLAN])
        self._say("3. Apply exactly that plan: chunk by chunk, each one read back before the next begins.")
        self._run(["apply", PLAN])
        self._ledger()
        self._say("4. Plan again: nothing is left to do.")
        self._run(["plan", "--detailed-exitcode"])
        self._next(_ways(config))

    def _run(self, arguments: list[str]) -> None:
        # The entry point imports the commands, this one among them.
        from reconciler.cli.entry import run

        words = [*arguments, "-C", WORKSPACE]
        palette = self._palette
        self._terminal.result(palette.paint(palette.strong, f"$ reconciler {' '.join(words)}") + "\n")
        # The story is told in one piece.
        options = ["--no-pager", "--color", self._terminal.color_when, *(["-q"] if self._terminal.quiet else [])]
        code = run([*words, *options])
        if code is not ExitCode.DONE:
            raise DemoError(f"`reconciler {' '.join(words)}` ended with exit code {int(code)}, and should end with 0")
        self._terminal.result("\n")

    def _ledger(self) -> None:
        workspace = Path(WORKSPACE)
        with Store.open(api.load_config(workspace), workspace, os.environ) as store:
            (run,) = store.runs(limit=1)
            writes = sum(line.requests for line in store.steps_of(run.id))
            self._say(
                f"The ledger in {store.place} keeps what was done, as the run {run.id}:",
                f"{counted(run.steps, 'step')}, {counted(writes, 'write')} sent, all of them read back.",
            )

    def _next(self, dialect: str) -> None:
        address = "https://api.atlassian.com/scim/directory/DIRECTORY_ID" if dialect == "atlassian" else "https://…"
        self._say("Now the same on your own directory. Reading changes nothing, and apply asks first:")
        self._terminal.result(
            "  export SCIM_TOKEN=…    # its API key\n"
            f"  reconciler import -C acme --dialect {dialect} --base-url {address}\n"
            "  reconciler plan -C acme     # “No changes”, until you change a line\n"
            "  reconciler apply -C acme\n"
        )

    def _say(self, *lines: str) -> None:
        palette = self._palette
        self._terminal.result("".join(f"{palette.paint(palette.dim, f'# {line}')}\n" for line in lines))
