"""Options of the commands that speak to a code host: which one, which repository, which pull request, with which token.

A token is taken from a variable or a file, and never from the command line, where every process could read it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from reconciler.cli.guessing import ChoiceType
from reconciler.cli.parameters import PathType, TextType

_PROVIDERS: Final = ("github", "gitlab", "stdout")
_LONGEST_LABEL: Final = 50  # characters, at GitHub


def _number(context: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    if value is not None and value < 1:
        raise click.BadParameter(f"{value} is no number of a pull request", context, parameter)
    return value


def _where(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    from reconciler.ci.surroundings import web_url

    url = web_url(value)
    if url is None:
        raise click.BadParameter(f"{value!r} is no address such as https://ci.example.com/jobs/7", context, parameter)
    return url


def _redact(_context: click.Context, _parameter: click.Parameter, value: bool | None) -> bool:
    if value is not None:
        return value
    from reconciler.ci.surroundings import is_public

    return is_public(os.environ)


def _label(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not value.strip() or "," in value or not value.isprintable() or len(value) > _LONGEST_LABEL:
        what = f"a label is one line of at most {_LONGEST_LABEL} characters without commas"
        raise click.BadParameter(f"{value!r}: {what}", context, parameter)
    return value


provider_option = click.option(
    "--provider",
    type=ChoiceType(_PROVIDERS),
    help="Whose it is. By default that of the runner; `stdout` prints, and sends nothing.",
)
redact_option = click.option(
    "--redact/--no-redact",
    default=None,
    callback=_redact,
    help="Name people by their ids or initials, and no values; so, if left out, in a repository that is public.",
)
where_option = click.option(
    "--where",
    metavar="URL",
    callback=_where,
    help="Where the full plan is, a page with artifacts for instance; this job, if left out.",
)
key_option = click.option(
    "--key",
    type=TextType(),
    default="",
    metavar="TEXT",
    help="Sets apart what several jobs write about the same directory, one for each --only for instance.",
)
label_option = click.option(
    "--label", type=TextType(), default="reconciler", show_default=True, callback=_label, help="What it is found by."
)
number_option = click.option(
    "--number",
    type=int,
    callback=_number,
    metavar="N",
    help="The pull request or merge request; the one that the job runs for, if left out.",
)


def host_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where the job runs, which the command gets together as ``given``."""

    @functools.wraps(function)
    def with_options(
        *arguments: Any,
        repository: str | None,
        api_url: str | None,
        token_env: str | None,
        token_file: Path | None,
        number: int | None = None,
        **more: Any,
    ) -> Any:
        from reconciler.ci.surroundings import Given

        if token_env is not None and token_file is not None:
            raise click.UsageError("--token-env and --token-file are two places for one token.")
        given = Given(repository=repository, number=number, api_url=api_url, token_env=token_env, token_file=token_file)
        return function(*arguments, given=given, **more)

    for option in (
        click.option("--token-file", type=PathType(dir_okay=False), metavar="FILE", help="The file with the token."),
        click.option(
            "--token-env",
            type=TextType(),
            metavar="NAME",
            help="The variable with the token: GITHUB_TOKEN or GITLAB_TOKEN, if left out.",
        ),
        click.option("--api-url", type=TextType(), metavar="URL", help="The REST API; the runner's, if left out."),
        click.option(
            "--repository",
            type=TextType(),
            metavar="NAME",
            help="OWNER/NAME at GitHub, path or id of the project at GitLab; the runner's, if left out.",
        ),
    ):
        with_options = option(with_options)
    return with_options
