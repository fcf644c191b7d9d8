"""The option ``--json-stream``, for commands that tell what they do while they do it."""

from __future__ import annotations

import click

from reconciler.cli.terminal import Terminal


def _begin(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    terminal = context.ensure_object(Terminal)
    if not value:
        # What looked like the option on the command line is the value of another one.
        terminal.stream = None
    elif terminal.json:
        raise click.UsageError("--json is one document at the end, --json-stream are lines on the way. Choose one.")
    elif terminal.stream is not None:
        terminal.stream.begin(context.info_name)


json_stream_option = click.option(
    "--json-stream",
    is_flag=True,
    expose_value=False,
    callback=_begin,
    help="Tell on standard output what happens, as it happens: JSON Lines. Asks nothing.",
)
"""Lets :attr:`Terminal.stream` of the command's terminal begin."""
