"""``reconciler sandbox``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from reconciler.cli import completing
from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.parameters import PathType
from reconciler.cli.terminal import Terminal
from reconciler.rendering import json_document
from reconciler.sandbox.behaviour import dialects
from reconciler.sandbox.faults.file import Faults, read_faults
from reconciler.sandbox.seed import read_seed
from reconciler.sandbox.server import serve


@click.command(
    "sandbox",
    cls=Command,
    examples=(
        "reconciler sandbox                               # on a free port, empty",
        "reconciler sandbox --dialect atlassian           # with Atlassian's ways",
        "reconciler sandbox --port 8080 --data acme.json  # keep what it holds",
        "reconciler sandbox --faults faults.yaml          # fail as the file says",
    ),
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where it listens; a free port, if left out.")
@click.option(
    "--dialect",
    shell_complete=completing.dialects,
    default="generic",
    show_default=True,
    help=f"Whose ways it has: {', '.join(dialects())}.",
)
@click.option("--seed", type=PathType(), metavar="FILE", help="JSON with the users and groups to begin with.")
@click.option(
    "--data",
    type=PathType(),
    metavar="FILE",
    help="Read at the start if it exists, instead of a seed, and written at the end.",
)
@click.option("--faults", type=PathType(), metavar="FILE", help="YAML that says what goes wrong, and when.")
@click.option("--token-env", metavar="NAME", help="The variable with the token to ask for; a new one, if left out.")
@click.pass_obj
def command(
    terminal: Terminal,
    *,
    port: int,
    dialect: str,
    seed: Path | None,
    data: Path | None,
    faults: Path | None,
    token_env: str | None,
) -> ExitCode:
    """Serve an embedded SCIM directory for trying things out.

    It listens on this machine only, asks for a token, and ends with Ctrl-C. Copy the two lines that it prints into
    another shell: workspaces that name ${SCIM_BASE_URL} and {env: SCIM_TOKEN} find it there.
    """

    def on_ready(base_url: str, token: str) -> None:
        if terminal.json:
            terminal.result(json_document({"base_url": base_url, "token": token}))
        else:
            terminal.result(f"export SCIM_BASE_URL={shlex.quote(base_url)}\nexport SCIM_TOKEN={shlex.quote(token)}\n")
        terminal.tell("Copy the lines above into another shell. Ctrl-C ends the directory.")

    token = None
    if token_env is not None:
        token = os.environ.get(token_env)
        if not token:
            raise click.UsageError(f"--token-env: the environment variable {token_env} is not set.")
    if data is not None and not data.parent.is_dir():
        raise click.UsageError(f"--data: {data.parent} is no folder, so nothing could be kept there at the end.")
    injected = read_faults(faults) if faults else Faults()
    serve(
        dialect,
        on_ready=on_ready,
        token=token,
        seed=read_seed(seed) if seed else None,
        data=data,
        port=port,
        faults=injected.rules,
        fault_seed=injected.seed,
    )
    return ExitCode.DONE
