"""What may stand behind an option: texts and paths that mean something."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


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
