"""What may stand behind an option: texts and paths that mean something."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from reconciler.durations import DurationError, parse_duration

if TYPE_CHECKING:
    _OfDurations: TypeAlias = click.ParamType[timedelta]
else:
    # Older versions of click cannot say of what it is a type.
    _OfDurations = click.ParamType


class TextType(click.types.StringParamType):
    """A text that goes into files. Whatever the locale, what was typed is UTF-8."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text.

        Raises:
            BadParameter: what was typed is not UTF-8.
        """
        try:
            return os.fsencode(value).decode()
        except UnicodeDecodeError:
            self.fail(f"{value!r} is not UTF-8.", param, ctx)


class PathType(click.Path):
    """A path that is not empty: a variable of a pipeline that is not set must not mean some folder."""

    def __init__(self, *, dir_okay: bool = True) -> None:
        super().__init__(path_type=Path, dir_okay=dir_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path.

        Raises:
            BadParameter: it is empty, or names something that it must not.
        """
        if value == "":
            self.fail("it is empty.", param, ctx)
        return super().convert(value, param, ctx)


class DurationType(_OfDurations):
    """A length of time: ``30s``, ``90m``, ``12h``, ``7d``, ``2w``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length of time.

        Raises:
            BadParameter: it is none.
        """
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(value)
        except DurationError as error:
            self.fail(f"{error}.", param, ctx)
